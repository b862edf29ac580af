"""NN605: a forward that works for one batch size only."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.causes import line_text
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.runs import BATCH, Run
from nninspect.protocol.findings import Finding, Severity
from nninspect.protocol.records import InputSpec


class OtherBatch(Rule):
    """The forward fails at another batch size.

    What it flags: in eval mode, a forward that works for the batch of the inputs and fails, or
        gives other shapes of a sample, for another: a batch size written into a `view`, or a
        `squeeze` that takes the batch of one sample. Inputs that have no common batch are left
        alone; with a guessed input it is an info.
    Why: the last batch of an epoch is smaller, and a single sample is what predictions are
        asked for.
    Instead: take the batch from the tensor: `x.size(0)`, or `flatten(1)`.
    Example:
        x = x.view(32, -1)
        x = x.view(x.size(0), -1)
    """

    code = "NN605"
    name = "other-batch"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if not has_one_batch(evidence) or evidence.setup.training:
            return
        run, recorded = evidence.probes.run, _batch(evidence.probes.inputs[0])
        tried = [batch for batch in (1, BATCH, BATCH + 1) if batch != recorded]
        failed = [(batch, run(batch)) for batch in tried if _fails(run(batch))]
        if failed and run(recorded).error is None:
            yield self._finding(evidence, recorded, [batch for batch, _ in failed], failed[0][1])

    def _finding(
        self, evidence: Evidence, recorded: int, batches: list[int], failed: Run
    ) -> Finding:
        at = _place(evidence, failed)
        line = line_text(evidence, at)
        sizes = ", ".join(map(str, batches))
        return self.finding(
            f"A batch of {recorded} works; {sizes} fail{'s' if len(batches) == 1 else ''}"
            f"{f' at `{line}`' if line else ''}: {failed.failure}.",
            why="The last batch of an epoch is smaller, and a prediction is for a single sample.",
            change="x.size(0) in place of a number, or x.flatten(1); squeeze(dim) with its dim",
            at=at,
            severity=Severity.INFO if evidence.inputs_were_guessed else None,
        )


def _fails(run: Run) -> bool:
    """But not for the statistics of a single value, which are NN406's."""
    return run.error is not None and "more than 1 value per channel" not in run.failure


def has_one_batch(evidence: Evidence) -> bool:
    """Every input has the same number of samples, where a batch is; and none says how the rows of
    another belong together, as the (N, N) matrix of a graph of N nodes does."""
    inputs = evidence.probes.inputs
    if len(inputs) > 1 and any(_is_square(spec) for spec in inputs):
        return False
    batches = {_batch(spec) for spec in inputs if spec.shape}
    return len(batches) == 1 and all(spec.shape for spec in inputs)


def _is_square(spec: InputSpec) -> bool:
    return len(spec.shape) == 2 and 1 < spec.shape[0] == spec.shape[1]


def _batch(spec: InputSpec) -> int:
    return spec.shape[spec.batch_dim]


def _place(evidence: Evidence, failed: Run) -> Place:
    for file, line, _ in evidence.source.frames(failed.error):
        return Place("", file.path, line)
    return Place()
