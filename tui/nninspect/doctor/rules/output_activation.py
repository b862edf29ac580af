"""NN302: an activation on the output layer."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.endings import FOR_CLASSES, FOR_LOGITS, FOR_VALUES, ending, name_said
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rewrite import without
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

CUTTING = frozenset({"relu", "relu_", "relu6"})
BENDING = frozenset({"tanh", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardswish"})


class OutputActivation(Rule):
    """The output layer is followed by an activation, as hidden layers are.

    What it flags: a ReLU on the output: an error where the loss takes logits, a warning where it
        takes values. A tanh or another activation before a loss of logits is a warning. Silent
        where the loss is not known, and for softplus, which a positive value is meant to have.
    Why: a ReLU cuts off half of all answers: none below 0 can be reached, and wherever the layer
        before gives a negative number the gradient is 0, so the sample teaches nothing.
    Instead: end with the linear layer. Activations belong between layers.
    Example:
        return F.relu(self.fc2(x))
        return self.fc2(x)
    """

    code = "NN302"
    name = "output-activation"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last = ending(evidence.trace)
        severity = None if last is None else _severity(last, evidence.loss)
        if last is None or severity is None:
            return
        cuts = last.name in CUTTING
        yield self.finding(
            f"forward ends in {name_said(last)}, and the loss is F.{evidence.loss}.",
            why="No output below 0 can be reached, and where the layer before gives a negative"
            " number the gradient is 0."
            if cuts
            else "The loss takes logits, which are any numbers; this one bounds or bends them.",
            change=_change(evidence, last),
            at=evidence.at(last),
            severity=severity,
        )


def _change(evidence: Evidence, last: Step) -> str:
    """The user's line without it; it may be one of a Sequential's parts, and have none."""
    if written := without(evidence, last):
        return f"{written}  # the last layer's own output"
    return f"remove {last.called}: the last layer's own output is what the loss takes"


def _severity(last: Step, loss: str) -> Severity | None:
    takes_logits = loss in FOR_LOGITS or loss in FOR_CLASSES
    if last.name in CUTTING and takes_logits:
        return Severity.ERROR
    if last.name in CUTTING and loss in FOR_VALUES:
        return Severity.WARNING
    return Severity.WARNING if last.name in BENDING and takes_logits else None
