"""NN301: a softmax or sigmoid on the output, before a loss that applies its own."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import SIGMOIDS
from nninspect.doctor.endings import FOR_LOGITS, ending
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.trace import Step
from nninspect.protocol.findings import Finding, Severity


class DoubledOutput(Rule):
    """The output goes through a softmax or a sigmoid that the loss applies once more.

    What it flags: a model that ends in a softmax or sigmoid and is trained with `cross_entropy`
        or `binary_cross_entropy_with_logits`. Behind `cross_entropy` a log_softmax is a warning:
        it changes nothing but time. Silent where the loss is not known.
    Why: the loss takes probabilities for logits. All logits then lie in [0, 1]: with ten classes
        cross entropy can't fall below 1.46, and where the network is sure and wrong the gradient
        is nearly 0.
    Instead: return the logits from `forward`; apply softmax or sigmoid where you predict.
    Example:
        return F.softmax(self.fc(x), dim=-1)  # and F.cross_entropy
        return self.fc(x)
    """

    code = "NN301"
    name = "doubled-output"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last = ending(evidence.trace)
        if evidence.loss not in FOR_LOGITS or last is None or not _is_probability(last):
            return
        is_log = last.name == "log_softmax" and evidence.loss == "cross_entropy"
        own = "sigmoid" if "binary" in evidence.loss else "log-softmax"
        yield self.finding(
            f"forward ends in {last.called}, and F.{evidence.loss} applies a {own} of its own.",
            why="A second log-softmax changes nothing and costs time."
            if is_log
            else "The loss takes the probabilities for logits, which then all lie in [0, 1]: it"
            " can't become small, and the gradient of a sure mistake is nearly 0.",
            change=_change(last),
            at=evidence.at(last),
            severity=Severity.WARNING if is_log else None,
        )


def _is_probability(step: Step) -> bool:
    return step.role is Role.SOFTMAX or step.name in SIGMOIDS


def _change(step: Step) -> str:
    before = next((made for made in step.producers if made is not None), None)
    if step.module is None and before is not None and before.module is not None:
        return f"return self.{before.path}(x)  # the logits"
    return "return logits  # without it; apply it in predict"
