"""NN407: a dropout that leaves nothing, or hardly anything."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.arguments import dropout_p
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

HIGH = 0.7


class DropoutP(Rule):
    """A dropout takes away everything, or most of it.

    What it flags: p = 1, an error; p above 0.7, an info.
    Why: p is the share that is taken away, not the one that is kept. With p = 1 every output is
        0 in training, so nothing before it ever learns.
    Instead: p = 0.1 to 0.5.
    Example:
        nn.Dropout(1.0)
        nn.Dropout(0.1)
    """

    code = "NN407"
    name = "dropout-p"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for place, p, call in _dropouts(evidence):
            if p > HIGH:
                yield self.finding(
                    f"{place.path or 'A dropout'} has p = {p:g}: in training {p:.0%} of what"
                    " comes in is taken away.",
                    why="p is the share that is taken away, not the one that is kept.",
                    change=f"{call}({round(1 - p, 3) if p < 1 else 0.5:g})",
                    at=place,
                    severity=None if p >= 1 else Severity.INFO,
                )


def _dropouts(evidence: Evidence) -> Iterator[tuple[Place, float, str]]:
    for path, module in evidence.structure.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            yield evidence.at_path(path), float(module.p), f"nn.{type(module).__name__}"
    for step in evidence.recorded.of(Role.DROPOUT) if evidence.recorded else ():
        if step.module is None:
            yield step.at, dropout_p(step), f"F.{step.name}"
