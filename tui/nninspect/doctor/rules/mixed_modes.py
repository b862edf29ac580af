"""NN410: parts of the model in eval mode, others in train mode."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_KINDS = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.RNNBase)


class MixedModes(Rule):
    """Some layers are in eval mode and others in train mode, as built.

    What it flags: norms and dropouts in another mode than the model itself. Parts that are
        frozen, with no parameter to be trained, are left alone.
    Why: a part that was left in eval mode has its dropout off and its statistics fixed; one
        left in train mode gives random answers.
    Instead: call `model.train()` before training and `model.eval()` before anything else.
    Example:
        self.encoder.eval()  # in __init__
        model.eval()  # the whole, where it is used
    """

    code = "NN410"
    name = "mixed-modes"
    severity = Severity.INFO
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        mode = structure.model.training
        others = [
            path
            for path, module in structure.modules()
            if isinstance(module, _KINDS)
            and module.training is not mode
            and not _is_frozen(structure.parent(path)[1])
        ]
        if others:
            own, theirs = ("train", "eval") if mode else ("eval", "train")
            yield self.finding(
                f"The model is in {own} mode and {len(others)} of its layers are in {theirs}"
                f" mode, {others[0]} first.",
                why="Dropout and norms do different things in the two modes.",
                change=f"model.{own}()",
                at=evidence.at_path(others[0]),
                related=tuple(others[1:]),
            )


def _is_frozen(module: nn.Module) -> bool:
    parameters = list(module.parameters())
    return bool(parameters) and not any(each.requires_grad for each in parameters)
