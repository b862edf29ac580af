"""NN701: weights that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.values import broken_tensors, is_statistic
from nninspect.protocol.findings import Finding, Severity


class NonfiniteWeights(Rule):
    """A parameter or a buffer holds NaN or infinite values.

    What it flags: NaN or infinity in a parameter, NaN in a buffer. A buffer of -inf is left
        alone: it is an attention mask. The statistics of a batch norm have a rule of their own,
        NN705.
    Why: every number that is computed with a NaN is a NaN, and so is its gradient: one bad
        weight spreads over the network in a single step. It mostly comes from a training that
        diverged and was saved, or from `torch.empty` without an initialisation.
    Instead: load a checkpoint from before the divergence; initialise what `torch.empty` made;
        train with a smaller learning rate, or clip the gradients.
    Example:
        self.scale = nn.Parameter(torch.empty(64))  # whatever was in memory
        self.scale = nn.Parameter(torch.ones(64))
    """

    code = "NN701"
    name = "nonfinite-weights"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        found = {
            name: what
            for name, what in broken_tensors(structure).items()
            if not is_statistic(structure, name)
        }
        if not found:
            return
        first, what = next(iter(found.items()))
        more = f", and so have {len(found) - 1} more tensors" if len(found) > 1 else ""
        paths = list(dict.fromkeys(name.rpartition(".")[0] for name in found))
        yield self.finding(
            f"{first} has {what}{more}.",
            why="Whatever is computed with a NaN or an infinity becomes one, gradients too.",
            change="Initialise it, as nn.init.xavier_uniform_(weight), or load weights from"
            " before the training diverged.",
            at=evidence.at_path(paths[0]),
            related=tuple(paths[1:]),
        )
