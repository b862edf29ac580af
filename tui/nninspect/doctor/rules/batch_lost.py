"""NN604: an output that has lost the batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.other_batch import has_one_batch
from nninspect.doctor.runs import BATCH
from nninspect.doctor.time_first import batch_of_output
from nninspect.protocol.findings import Finding, Severity
from nninspect.protocol.records import batch_of
from nninspect.text.shapes import shape


class BatchLost(Rule):
    """The output does not have the batch dimension of the input.

    What it flags: an output of the same shape for two batch sizes, or one that has a dimension
        less for a single sample, as `squeeze()` makes it; an info where dimension 1 is what the
        output has kept, as a sequence without `batch_first` gives it. Single numbers, as a loss,
        and batches that merge with another dimension, as (B * T, classes), are left alone.
    Why: there is no row a sample any more, so the loss compares the wrong things, or broadcasts.
    Instead: keep dimension 0: `flatten(1)`, `mean(dim=1)`, `squeeze(1)`.
    Example:
        return self.fc(x).squeeze()
        return self.fc(x).squeeze(1)
    """

    code = "NN604"
    name = "batch-lost"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if not has_one_batch(evidence):
            return
        run = evidence.probes.run
        some, more = (run(batch).output for batch in (BATCH, BATCH + 1))
        if some is None or more is None or not some.dim():
            return
        if some.shape == more.shape:
            seen = (
                f"Batches of {BATCH} and of {BATCH + 1} both give an output of {shape(some.shape)}."
            )
        elif _keeps_batch(some, more) and len(one := _of_one(evidence)) < some.dim():
            seen = (
                f"A batch of {BATCH} gives {shape(some.shape)}, and a batch of 1 gives"
                f" {shape(one)}, without a batch dimension."
            )
        else:
            return
        step = evidence.trace.output
        yield self.finding(
            seen,
            why="There is no row a sample any more, so a loss compares the wrong things.",
            change="x.squeeze(1), x.mean(dim=1), x.flatten(1): dimension 0 stays the batch's",
            at=evidence.at(step) if step is not None else evidence.at_path(""),
            severity=_severity(evidence),
        )


def _severity(evidence: Evidence) -> Severity | None:
    """An info where the input was guessed, and where the batch may be meant to be dimension 1."""
    is_open = evidence.inputs_were_guessed or batch_of_output(evidence) is not None
    return Severity.INFO if is_open else None


def _of_one(evidence: Evidence) -> tuple[int, ...]:
    """The shape of the output of one sample, by the trace where that was one; that of several
    where it fails."""
    step, probes = evidence.trace.output, evidence.probes
    if step is not None and batch_of(probes.inputs) == 1:
        return step.shape
    outputs = (probes.run(batch).output for batch in (1, BATCH))
    return next((tuple(output.shape) for output in outputs if output is not None), ())


def _keeps_batch(some: torch.Tensor, more: torch.Tensor) -> bool:
    return some.shape[0] == BATCH and more.shape[0] == BATCH + 1
