"""NN808: what a measured sweep says of the batch size."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.findings import Finding, Severity

ENOUGH = 0.9
"""Of the best throughput: what more costs memory and gains little."""
MIN_BATCHES = 3


class BatchSize(Rule):
    """From which batch size on a larger one gains nothing, as it was measured.

    What it flags: a saved benchmark of the same model with at least three batch sizes that can
        be trusted on one device: the smallest batch that reaches 90 % of the best throughput.
        Without a benchmark it says nothing.
    Why: a small batch leaves the device idle between samples; beyond the point where it is busy
        throughout, a larger one costs memory and waiting, and gains no speed. For training, small
        ones give noisier gradients, which is no fault by itself.
    Instead: measure: `nninspect bench TARGET --batch 1,8,64,256`, and take the batch where the
        throughput levels off.
    Example:
        DataLoader(data, batch_size=1)
        DataLoader(data, batch_size=64)  # as measured on this device
    """

    code = "NN808"
    name = "batch-size"
    severity = Severity.INFO
    needs = frozenset({Need.SWEEP})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        sweep = evidence.plan.sweep
        for device, rows in _sweeps(sweep).items() if sweep is not None else ():
            least, best, enough = rows[0], max(rows, key=_rate), _enough(rows)
            yield self.finding(
                f"On {device}, batch {enough.config.batch} reaches {_rate(enough):,.0f} samples/s,"
                f" {_rate(enough) / _rate(least):.1f}x that of batch {least.config.batch} and"
                f" {_rate(enough) / _rate(best):.0%} of the best, at batch {best.config.batch}.",
                why="Below it the device is not busy throughout; above it a batch costs memory and"
                " gains little.",
                change=f"batch_size={enough.config.batch}",
            )


def _sweeps(result: BenchResult) -> dict[str, list[BenchRow]]:
    """Rows of inference that can be trusted, by device, the smallest batch first."""
    found: dict[str, list[BenchRow]] = {}
    for row in sorted(result.rows, key=lambda each: each.config.batch):
        is_trusted = row.quality is not None and row.quality.verdict != "untrusted"
        if is_trusted and row.throughput is not None and row.config.mode == "inference":
            found.setdefault(row.config.device, []).append(row)
    return {device: rows for device, rows in found.items() if len(rows) >= MIN_BATCHES}


def _enough(rows: list[BenchRow]) -> BenchRow:
    best = max(map(_rate, rows))
    return next(row for row in rows if _rate(row) >= ENOUGH * best)


def _rate(row: BenchRow) -> float:
    return 0.0 if row.throughput is None else row.throughput.items_per_s
