"""NN604: an output that has lost the batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.other_batch import has_one_batch
from nninspect.doctor.runs import BATCH
from nninspect.doctor.time_first import batch_of_output, written_order
from nninspect.protocol.findings import Finding, Severity
from nninspect.protocol.records import batch_of
from nninspect.text.shapes import shape

_CATS = frozenset({"cat", "concat", "concatenate"})


class BatchLost(Rule):
    """The output does not have the batch dimension of the input.

    What it flags: an output of the same shape for two batch sizes, or one that has a dimension
        less for a single sample, as `squeeze()` makes it; an info where a `cat` over dimension 0
        gives several rows for each sample, and where a layer takes time first and dimension 1 is
        what the output has kept. Single numbers, as a loss, and batches that merge with another
        dimension, as (B * T, classes), are left alone.
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
        if some.numel() == 1 and len(evidence.probes.inputs) > 1:  # one number for a whole graph
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
            yield from self._joined(evidence, some, more)
            return
        yield self.finding(
            seen,
            why="There is no row a sample any more, so a loss compares the wrong things.",
            change="x.squeeze(1), x.mean(dim=1), x.flatten(1): dimension 0 stays the batch's",
            at=_where(evidence),
            severity=_severity(evidence),
        )

    def _joined(
        self, evidence: Evidence, some: torch.Tensor, more: torch.Tensor
    ) -> Iterator[Finding]:
        """Several tensors of the whole batch one below the other: it may be meant."""
        rows, odd = divmod(len(some), BATCH)
        if rows < 2 or odd or len(more) != rows * (BATCH + 1):
            return
        for step in evidence.trace.of(Role.JOIN):
            is_first = step.name in _CATS and step.option("dim", step.option("1", 0)) == 0
            batches = {made.shape[:1] for made in step.inputs}
            if is_first and len(step.inputs) == rows and len(batches) == 1:
                yield self.finding(
                    f"The output has {rows} rows for each sample: {step.called} puts {rows}"
                    " batches one below the other.",
                    why="A loss with one target a sample compares the wrong things, or raises.",
                    change="torch.cat([...], dim=1)  # the features side by side",
                    at=step.at,
                    severity=Severity.INFO,
                )


def _severity(evidence: Evidence) -> Severity | None:
    """An info where the input was guessed, and where the batch may be meant to be dimension 1."""
    if evidence.inputs_were_guessed:
        return Severity.INFO
    parts = (module for _, module in evidence.structure.modules())
    takes_time = any(getattr(module, "batch_first", True) is False for module in parts)
    may_be_meant = takes_time or written_order(evidence) == "time"
    return Severity.INFO if may_be_meant and batch_of_output(evidence) is not None else None


def _where(evidence: Evidence) -> Place:
    """The last step that gets the batch and gives on what does not grow with it; the last of all
    where there is none such."""
    trace, shapes = evidence.trace, evidence.probes.step_shapes
    some, more = shapes(BATCH), shapes(BATCH + 1)
    step = trace.output
    if len(some) == len(more) == len(trace.steps):
        for each in reversed(trace.steps):
            users = [user.place for user in each.consumers]
            is_lost = users and all(some[place] == more[place] for place in users)
            if is_lost and some[each.place] != more[each.place]:
                step = each
                break
    return evidence.at(step) if step is not None else evidence.at_path("")


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
