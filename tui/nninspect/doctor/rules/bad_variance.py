"""NN705: running statistics of a batch norm that can't be."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.values import broken_tensors, is_statistic
from nninspect.protocol.findings import Finding, Severity


class BadVariance(Rule):
    """A batch norm's running variance is negative, or its statistics are NaN or infinite.

    What it flags: `running_var` below 0, and NaN or infinity in `running_var` or `running_mean`.
    Why: in eval mode the norm divides by sqrt(running_var + eps): below 0 that is NaN, and from
        there on everything is. In train mode nothing is to be seen of it, because batch
        statistics are used. A bad batch, an average of checkpoints or a conversion leaves it.
    Instead: `norm.reset_running_stats()`, then run training batches through the model in train
        mode to collect them anew.
    Example:
        norm.running_var.copy_(values - values.mean())  # a variance is never below 0
        norm.reset_running_stats()
    """

    code = "NN705"
    name = "bad-variance"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        for name, what in broken_tensors(structure).items():
            if not is_statistic(structure, name):
                continue
            path = name.rpartition(".")[0]
            yield self.finding(
                f"{name} has {what}.",
                why="In eval mode the norm divides by sqrt(running_var + eps), which is NaN then;"
                " train mode hides it.",
                change=f"model.{path}.reset_running_stats()" if path else "",
                at=evidence.at_path(path),
            )
