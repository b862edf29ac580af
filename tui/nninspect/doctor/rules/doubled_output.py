"""NN301: a softmax or sigmoid on the output, before a loss that applies its own."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.arguments import SIGMOIDS
from nninspect.doctor.deadline import Unavailable
from nninspect.doctor.endings import FOR_LOGITS, ending, name_said
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rewrite import without
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

TOLERANCE = 1e-3
_WHY = (
    "The loss takes the probabilities for logits, which then all lie in [0, 1]: it can't become"
    " small, and the gradient of a sure mistake is nearly 0."
)


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
        if evidence.loss not in FOR_LOGITS:
            return
        last = ending(evidence.trace)
        if last is None or not _is_probability(last):
            yield from self._measured(evidence, last)
            return
        if not _ends_so_in_training(evidence, last):
            return
        is_log = last.name == "log_softmax" and evidence.loss == "cross_entropy"
        own = "sigmoid" if "binary" in evidence.loss else "log-softmax"
        yield self.finding(
            f"forward ends in {name_said(last)}, and F.{evidence.loss} applies a {own} of its own.",
            why="A second log-softmax changes nothing and costs time." if is_log else _WHY,
            change=_change(evidence, last),
            at=evidence.at(last),
            severity=Severity.WARNING if is_log else None,
        )

    def _measured(self, evidence: Evidence, last: Step | None) -> Iterator[Finding]:
        """Shares that were made by hand: they show in what comes out, in train mode."""
        output = _trained_output(evidence) if evidence.loss == "cross_entropy" else None
        if output is None or not _are_shares(output):
            return
        yield self.finding(
            f"The outputs of {output.shape[0]} random samples are from 0 up and add up to 1 over"
            f" {output.shape[1]} classes: they are probabilities, and F.{evidence.loss} applies a"
            " log-softmax of its own.",
            why=_WHY,
            change="return logits  # what is exponentiated; apply softmax in predict",
            at=evidence.at(last) if last is not None else evidence.at_forward(),
        )


def _trained_output(evidence: Evidence) -> torch.Tensor | None:
    """What comes out in train mode; None where that can't be seen."""
    if evidence.missing(Need.FORWARD):
        return None
    try:
        return evidence.probes.run(training=True).output
    except Unavailable:
        return None


def _are_shares(output: torch.Tensor) -> bool:
    if output.dim() < 2 or output.shape[1] < 2 or not output.is_floating_point():
        return False
    is_choice = bool(((output == 0) | (output == 1)).all())
    adds_up = ((output.sum(1) - 1).abs() < TOLERANCE).all()
    return not is_choice and bool((output >= 0).all() and adds_up)


def _ends_so_in_training(evidence: Evidence, last: Step) -> bool:
    """Also with the loss, and not only to predict: told by what comes out."""
    output = None if evidence.setup.training else _trained_output(evidence)
    if output is None or not output.is_floating_point():
        return True
    if last.name in ("log_softmax", "logsigmoid"):
        return bool((output <= TOLERANCE).all())
    return bool((output >= 0).all() and (output <= 1 + TOLERANCE).all())


def _is_probability(step: Step) -> bool:
    return step.role is Role.SOFTMAX or step.name in SIGMOIDS


def _change(evidence: Evidence, step: Step) -> str:
    """The user's line without it; it may be one of a Sequential's parts, and have none."""
    if step.by_hand:
        return f"return logits  # what the {step.name} is made of; apply it in predict"
    if written := without(evidence, step):
        return written if "logit" in written else f"{written}  # the logits"
    return f"remove {step.called}, and apply it in predict"
