"""NN203: sigmoids between layers."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import SIGMOIDS
from nninspect.doctor.chains import hidden_activations
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import attribute, by_owner, listed, paths
from nninspect.protocol.findings import Finding, Severity


class SigmoidHidden(Rule):
    """Hidden layers are followed by sigmoids, through which gradients vanish.

    What it flags: a sigmoid that gets what an affine layer made and feeds nothing but affine
        layers. Gates (a product follows), squeeze-excite, attention, recurrent cells and a
        sigmoid on the output are left alone.
    Why: the slope of a sigmoid is at most 1/4 and nearly 0 away from 0, so each one shrinks the
        gradient on its way back and the first layers hardly learn.
    Instead: use ReLU, or GELU, between layers; keep the sigmoid for a probability at the output.
    Example:
        x = torch.sigmoid(self.fc1(x))
        x = F.relu(self.fc1(x))
    """

    code = "NN203"
    name = "sigmoid-hidden"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        found = list(hidden_activations(evidence.trace, SIGMOIDS))
        for steps in by_owner(evidence, found):
            count = sum(step.called in {each.called for each in steps} for step in found)
            yield self.finding(
                f"{count} hidden activation{'s are sigmoids' if count > 1 else ' is a sigmoid'}:"
                f" {listed(steps)}.",
                why="A sigmoid's slope is at most 1/4, so each one shrinks the gradient at least"
                f" 4 times; {count} of them together at least {4**count:,} times."
                if count < 20
                else "A sigmoid's slope is at most 1/4, so each one shrinks the gradient.",
                change="\n".join(dict.fromkeys(map(_change, steps))),
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )


def _change(step: Step) -> str:
    return f"{attribute(step)} = nn.ReLU()" if step.module is not None else "x = F.relu(x)"
