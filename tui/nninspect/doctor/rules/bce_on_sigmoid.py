"""NN308: a sigmoid and binary_cross_entropy, where one function does both better."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.endings import FOR_PROBABILITIES, ending, name_said
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class BceOnSigmoid(Rule):
    """A sigmoid and binary_cross_entropy are less exact than the two in one.

    What it flags: a model that ends in a sigmoid and is trained with `binary_cross_entropy`.
        It is right, and may be meant.
    Why: where the sigmoid rounds to 0 or 1 its logarithm is lost (torch clamps it at -100) and
        so is the gradient; the loss on logits is exact there.
    Instead: return the logit and use `F.binary_cross_entropy_with_logits`.
    Example:
        loss = F.binary_cross_entropy(torch.sigmoid(logit), target)
        loss = F.binary_cross_entropy_with_logits(logit, target)
    """

    code = "NN308"
    name = "bce-on-sigmoid"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last = ending(evidence.trace)
        if evidence.loss in FOR_PROBABILITIES and last is not None and last.name == "sigmoid":
            yield self.finding(
                f"forward ends in {name_said(last)}, and the loss is F.{evidence.loss}.",
                why="Where the sigmoid rounds to 0 or 1, loss and gradient are lost; on logits"
                " they are exact.",
                change="loss = F.binary_cross_entropy_with_logits(logit, target)",
                at=evidence.at(last),
            )
