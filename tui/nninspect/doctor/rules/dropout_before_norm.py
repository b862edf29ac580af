"""NN403: dropout in front of a batch norm."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import dropout_p
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import by_owner, listed, paths
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_THROUGH = frozenset({Role.MOVE, Role.ACTIVATION, Role.POOL, Role.DROPOUT})


class DropoutBeforeNorm(Rule):
    """A dropout stands in front of a batch norm.

    What it flags: a dropout of p above 0 whose output goes into a batch norm, at most through
        an activation, a pooling or a reshape.
    Why: in training the dropout raises the variance that the norm measures; in eval it is off,
        so the running statistics do not fit what comes in ("variance shift").
    Instead: put the dropout behind the norm, best in front of the last layer.
    Example:
        nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5), nn.BatchNorm1d(64))
        nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.Dropout(0.5))
    """

    code = "NN403"
    name = "dropout-before-norm"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        found = [step for step in trace.of(Role.DROPOUT) if _norms_after(trace, step)]
        for steps in by_owner(evidence, found):
            norms = _norms_after(trace, steps[0])
            yield self.finding(
                f"{listed(steps)}, p = {dropout_p(steps[0]):g}, in front of {norms[0].called}.",
                why="In training it raises the variance that the norm measures; in eval it is"
                " off, and the running statistics do not fit.",
                change="x = self.dropout(self.norm(x))  # the norm first",
                at=evidence.at(steps[0]),
                related=paths([*norms, *steps[1:]]),
            )


def _norms_after(trace: Trace, step: Step) -> list[Step]:
    if dropout_p(step) <= 0:
        return []
    return [each for each in trace.after(step, _THROUGH) if each.name == "batch_norm"]
