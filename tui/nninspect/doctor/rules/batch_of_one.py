"""NN413: batch norms trained on one sample."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.causes import failures, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity
from nninspect.protocol.records import batch_of


class BatchOfOne(Rule):
    """A model with batch norms is run in train mode on a batch of 1.

    What it flags: `--train` with a batch of 1, for a model with batch norms that are in train
        mode then.
    Why: the mean and the variance of one sample say nothing of the others: with one value a
        channel torch refuses, with more the statistics are noise.
    Instead: train with a batch of 8 and more, or use GroupNorm or LayerNorm.
    Example:
        nninspect check net.py:Net --train --batch 1
        nninspect check net.py:Net --train --batch 16
    """

    code = "NN413"
    name = "batch-of-one"
    severity = Severity.INFO
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        inputs = evidence.probing.inputs if evidence.probing else evidence.setup.inputs
        if not evidence.setup.training or batch_of(inputs) != 1:
            return
        norms = [
            path
            for path, module in evidence.structure.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
        ]
        if norms:
            yield self.finding(
                f"{len(norms)} batch norms, {norms[0]} first, and a batch of 1 in train mode.",
                why="The mean and the variance of one sample say nothing of the others.",
                change="nninspect check … --train --batch 16",
                at=evidence.at_path(norms[0]),
                related=tuple(norms[1:]),
                severity=Severity.ERROR if any(map(is_of_one_value, failures(evidence))) else None,
            )


def is_of_one_value(failure: Failure) -> bool:
    """A batch norm has refused to take the variance of a single value."""
    return "more than 1 value per channel" in said(failure)
