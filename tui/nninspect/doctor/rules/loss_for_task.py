"""NN305: a loss that is not for the task."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.endings import FOR_CLASSES, FOR_VALUES, ending
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.one_class import has_one_class
from nninspect.protocol.findings import BINARY, MULTI_CLASS, REGRESSION, Finding, Severity

_BINARY_LOSSES = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
_WRONG = {
    REGRESSION: FOR_CLASSES | _BINARY_LOSSES,
    MULTI_CLASS: FOR_VALUES,
    BINARY: FOR_VALUES,
}
_RIGHT = {
    REGRESSION: "mse_loss",
    MULTI_CLASS: "cross_entropy",
    BINARY: "binary_cross_entropy_with_logits",
}
_WHY = {
    REGRESSION: "It compares outputs as the logits of classes; a distance between values is"
    " nothing to it.",
    MULTI_CLASS: "It pulls every logit to exactly 0 or 1 where only the largest should matter, so"
    " a network that is sure and right pays for it.",
    BINARY: "It pulls the output to exactly 0 or 1, with hardly a gradient where the network is"
    " sure and wrong.",
}


class LossForTask(Rule):
    """The loss is for another kind of task.

    What it flags: a regression trained with a loss for classes, a classification trained with
        one for values. Both the task and the loss must be known; cross entropy over one output
        is NN304's.
    Why: a loss for values pulls every logit to exactly 0 or 1; a loss for classes knows no
        distance between values.
    Instead: `F.mse_loss` or `F.l1_loss` for a value, `F.cross_entropy` for one class of several,
        `F.binary_cross_entropy_with_logits` for a yes or no.
    Example:
        loss = F.mse_loss(logits, F.one_hot(target, 10).float())
        loss = F.cross_entropy(logits, target)
    """

    code = "NN305"
    name = "loss-for-task"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last, task = ending(evidence.trace), evidence.task
        if evidence.loss not in _WRONG.get(task, ()) or last is None:
            return
        if has_one_class(evidence.trace, evidence.loss):
            return
        yield self.finding(
            f"The task is {task}, the loss F.{evidence.loss}.",
            why=_WHY[task],
            change=f"loss = F.{_RIGHT[task]}(output, target)",
            at=evidence.at(last),
        )
