"""Benchmarks, findings and weights as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nninspect.export.table import Cell, Row, Table, Value
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.findings import Finding
from nninspect.protocol.weights import TensorStats
from nninspect.text import bench, layers, shapes, units, weights
from nninspect.text.findings import place
from nninspect.text.plain import plain

TEXTS = frozenset({"device", "mode", "interval", "verdict"})
"""The columns of a benchmark that are no figures."""
FINDING = ("severity", "code", "name", "place", "what was seen", "instead")
WEIGHT = (
    *("tensor", "%", "elements", "shape", "dtype", "kind", "health"),
    *("low", "high", "mean", "std", "zeros", "NaN", "Inf"),
)


def bench_table(result: BenchResult) -> Table:
    """A configuration a line; seconds, bytes and counts."""
    return Table(bench.COLUMNS, tuple(map(bench_row, result.rows)))


def bench_row(row: BenchRow) -> Row:
    """One configuration's cells."""
    known = dict(_known(row))
    texts = zip(bench.COLUMNS, bench.cells(row), strict=True)
    return [text if title in TEXTS else Cell(text, known.get(title)) for title, text in texts]


def _known(row: BenchRow) -> Iterator[tuple[str, Value]]:
    yield "batch", row.config.batch
    if row.latency is not None:
        yield "p50", row.latency.median_s
        yield "n", row.latency.n_calls
        yield "floor", row.latency.floor_s
        yield "p90", row.latency.p90_s
        yield "p99", row.latency.p99_s
    if row.compare is not None:
        yield "speed-up", row.compare.ratio
    if row.throughput is not None:
        yield "items/s", row.throughput.items_per_s
    if row.memory is not None:
        yield "peak memory", row.memory.peak_allocated_bytes
    if row.cold is not None:
        yield "first call", row.cold.first_call_s


def finding_table(findings: Sequence[Finding]) -> Table:
    """A finding a line."""
    return Table(FINDING, tuple(map(finding_row, findings)))


def finding_row(finding: Finding) -> Row:
    """One finding's cells."""
    return [
        finding.severity.word,
        finding.code,
        finding.name,
        place(finding),
        " ".join(map(plain, finding.seen.split())),
        " ".join(map(plain, finding.change.split())),
    ]


def weight_table(tensors: Sequence[TensorStats]) -> Table:
    """A tensor a line, in the order that they come."""
    whole = sum(stats.size for stats in tensors)
    return Table(WEIGHT, tuple(weight_row(stats, whole) for stats in tensors))


def weight_row(stats: TensorStats, whole: int) -> Row:
    """One tensor's cells; `whole` is the bytes of all."""
    values = stats.values
    figures = (values.low, values.high, values.mean, values.std) if values else (None,) * 4
    counts = (values.zeros, values.nans, values.infs) if values else (None,) * 3
    return [
        plain(stats.path),
        Cell(
            layers.share(stats.size, whole), round(100 * stats.size / whole, 6) if whole else None
        ),
        Cell(units.count(stats.count), stats.count),
        shapes.shape(stats.shape),
        plain(stats.dtype),
        weights.kind(stats),
        weights.health(stats),
        *(Cell(weights.number(figure), figure) for figure in figures),
        *(Cell(units.count(count), count) for count in counts),
    ]
