"""A bench result as a table's cells and the sentences below it."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.records import BenchResult, BenchRow
from nninspect.text import units
from nninspect.text.plain import plain

COLUMNS = (
    "device",
    "batch",
    "p50",
    "p95",
    "spread",
    "samples/s",
    "speed-up",
    "first call",
    "iterations",
    "peak memory",
)
"""The titles, in the order of `cells`; "spread" is the IQR."""

LEAST_WANTED = ("iterations", "first call", "peak memory", "p95", "spread")
"""The columns that go first where room is scarce, in that order."""

UNSTABLE = "unstable: the spread is over a tenth of the p50, so p50s can't be compared"


def cells(result: BenchResult, row: BenchRow) -> tuple[str, ...]:
    """One row's cells; dashes where it could not be timed."""
    timings = row.timings
    if timings is None:
        return (row.device, str(row.batch), *("–",) * (len(COLUMNS) - 2))
    return (
        row.device,
        str(row.batch),
        units.seconds(timings.p50),
        units.seconds(timings.p95),
        units.seconds(timings.iqr),
        _throughput(row.throughput),
        _speedup(result, row),
        units.seconds(row.first_call_s),
        units.count(len(timings.seconds)),
        units.NONE if row.peak_memory is None else units.size(row.peak_memory),
    )


def verdict(row: BenchRow) -> str:
    """What is wrong with a row, in words; "" where nothing is."""
    if row.failure is not None:
        return "failed"
    return "unstable" if row.timings is not None and row.timings.is_unstable else ""


def remarks(result: BenchResult) -> Iterator[str]:
    """What to know before trusting the table, a sentence each."""
    if result.missing:
        yield plain(result.missing)
    for row in result.rows:
        if row.failure is not None:
            yield f"{row.device}, batch {row.batch}: {plain(row.failure.message)}"
            if row.failure.hint:
                yield plain(row.failure.hint)
    if any(verdict(row) == "unstable" for row in result.rows):
        yield UNSTABLE


def _speedup(result: BenchResult, row: BenchRow) -> str:
    """ "12.3×"; "~12.3×" where one of the two p50s can't be relied on."""
    found = units.ratio(result.speedup(row))
    pair = (row, *(cpu for cpu in result.rows if (cpu.device, cpu.batch) == ("cpu", row.batch)))
    is_rough = found != units.NONE and any(verdict(timed) == "unstable" for timed in pair)
    return f"~{found}" if is_rough else found


def _throughput(value: float | None) -> str:
    """Samples a second in three digits; the rest is noise."""
    return units.UNKNOWN if value is None else units.short_count(float(f"{value:.3g}"))
