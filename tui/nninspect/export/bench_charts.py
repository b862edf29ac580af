"""What of a benchmark is worth a chart: latency and throughput over batch, rounds over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nninspect.export.charts import Chart, Line, Series
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.text import sweep, units


def charts(result: BenchResult) -> tuple[Chart, ...]:
    """The charts that have something to show."""
    return tuple(chart for chart in _all(result) if chart.series)


def _all(result: BenchResult) -> Iterator[Chart]:
    lines = tuple(_crossings(result))
    yield Chart(
        "latency over batch",
        tuple(_over_batch(result, _latency)),
        write_x=_whole,
        write_y=units.seconds,
        x_title=_batch_title(lines),
        is_log=True,
        lines=lines,
    )
    yield Chart(
        "throughput over batch, samples/s",
        tuple(_over_batch(result, _throughput)),
        write_x=_whole,
        write_y=units.short_count,
        x_title=_batch_title(lines),
        is_log=True,
        lines=lines,
    )
    yield Chart(
        "rounds over time: each round's median over the row's",
        tuple(_over_time(result)),
        write_x=units.seconds,
        write_y=lambda share: f"{share:.2f}×",
        x_title="since the first round began",
        from_zero=False,
    )


def _crossings(result: BenchResult) -> Iterator[Line]:
    """Where one series overtakes another between two sizes that were timed; as the charts show
    what is computed, not what is sent, without transfers."""
    for each in result.crossovers:
        if each.batch is not None and each.slower_at is not None and not each.with_transfers:
            yield Line(each.batch, f"{sweep.series(each.series)} faster from {each.batch:,}")


def _batch_title(lines: Sequence[Line]) -> str:
    return "; ".join(("batch", *(line.name for line in lines)))


def _over_batch(
    result: BenchResult, figure: Callable[[BenchRow], float | None]
) -> Iterator[Series]:
    """A series a device and mode, where it has two batch sizes or more."""
    for name, rows in _by_device_and_mode(result).items():
        points = [(float(row.key.batch), value) for row in rows if (value := figure(row))]
        if len(points) > 1:
            xs, ys = zip(*sorted(points), strict=True)
            yield Series(name, xs, ys)


def _over_time(result: BenchResult) -> Iterator[Series]:
    """Drift and disturbance, of whatever height the rows are: 1 is a row's own median."""
    for row in result.rows:
        kept = row.latency.kept if row.latency else ()
        if row.latency is not None and len(kept) > 1:
            xs = tuple(each.t_start_s for each in kept)
            ys = tuple(each.median_s / row.latency.median_s for each in kept)
            yield Series(f"{series_name(row)} · {row.key.batch}", xs, ys)


def _by_device_and_mode(result: BenchResult) -> dict[str, list[BenchRow]]:
    found: dict[str, list[BenchRow]] = {}
    for row in result.rows:
        found.setdefault(series_name(row), []).append(row)
    return found


def series_name(row: BenchRow) -> str:
    """The device, and the mode where it is not plain inference."""
    key = row.key
    return key.device if key.mode == "inference" else f"{key.device} {key.mode}"


def _latency(row: BenchRow) -> float | None:
    return row.latency.median_s if row.latency else None


def _throughput(row: BenchRow) -> float | None:
    return row.throughput.items_per_s if row.throughput else None


def _whole(value: float) -> str:
    return f"{value:,.0f}"
