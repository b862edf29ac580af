"""NN304: cross entropy over a single output."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.endings import FOR_CLASSES, ending
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import REGRESSION, Finding, Severity


class OneClass(Rule):
    """Cross entropy is taken over a single output.

    What it flags: an output of one class, shape (B, 1), before `cross_entropy` or `nll_loss`.
    Why: the softmax of one number is 1 and its logarithm 0: the loss is 0 whatever the network
        says, every gradient is 0, and nothing is learnt, without an error.
    Instead: `F.mse_loss` for a value; `F.binary_cross_entropy_with_logits` for a yes or no; as
        many outputs as classes for more.
    Example:
        loss = F.cross_entropy(self.fc(x), target)  # fc = nn.Linear(64, 1)
        loss = F.mse_loss(self.fc(x), target)
    """

    code = "NN304"
    name = "one-class"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last = ending(evidence.trace)
        if last is None or not has_one_class(evidence.trace, evidence.loss):
            return
        is_value = evidence.task in ("", REGRESSION)
        yield self.finding(
            f"The output is {output_shape(evidence.trace)}, one class, and the loss is"
            f" F.{evidence.loss}.",
            why="The softmax of one number is 1: the loss and every gradient are 0 whatever the"
            " network says.",
            change="loss = F.mse_loss(output, target)  # for a value"
            if is_value
            else "loss = F.binary_cross_entropy_with_logits(output, target)",
            at=evidence.at(last),
        )


def has_one_class(trace: Trace, loss: str) -> bool:
    """The loss is one of classes, and the output has one."""
    shape = output_shape(trace)
    return loss in FOR_CLASSES and len(shape) > 1 and shape[1] == 1


def output_shape(trace: Trace) -> tuple[int, ...]:
    """Of the primary output."""
    return trace.output.shape if trace.output is not None else ()
