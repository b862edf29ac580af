"""What a benchmark's charts show, and what they leave out."""

from __future__ import annotations

import pytest

from nninspect.export.bench_charts import charts
from nninspect.protocol.bench import BenchResult, BenchRow, Config, Run
from nninspect.protocol.bench_figures import Latency, Round, Throughput
from nninspect.protocol.bench_plan import BenchError
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import InputSpec, Setup


def _row(device: str, batch: int, median: float | None, mode: str = "inference") -> BenchRow:
    config = Config(
        target="net",
        params=1,
        inputs=(InputSpec((batch, 4)),),
        batch=batch,
        dtype="float32",
        device=device,
        mode=mode,
        threads=2,
    )
    if median is None:
        error = BenchError(kind="OutOfMemory", message="out of memory", stage="rounds")
        return BenchRow(config=config, error=error)
    medians = (median, 2 * median, median)
    rounds = tuple(
        Round(number=n, median_s=m, n=5, t_start_s=float(n), canary_ratio=1.0, discarded=n == 1)
        for n, m in enumerate(medians)
    )
    latency = Latency(
        median_s=median,
        ci_low_s=median,
        ci_high_s=median,
        ci_method="",
        floor_s=median,
        p90_s=None,
        p99_s=None,
        n_calls=10,
        calls_per_sample=1,
        warmup_calls=3,
        rounds=rounds,
    )
    rate = batch / median
    throughput = Throughput(items_per_s=rate, ci_low=rate, ci_high=rate, mode="latency")
    return BenchRow(config=config, latency=latency, throughput=throughput)


def _result(*rows: BenchRow) -> BenchResult:
    run = Run(id="a", time_utc="2026", torch="2", python="3", seed=0)
    machine = Machine(host="b", cpu="c", isa="", cores_visible=2, quota_cores=None, threads=2)
    return BenchResult(setup=Setup(target="net"), run=run, machine=machine, rows=rows)


def test_latency_and_throughput_are_a_line_a_device_over_its_batches() -> None:
    result = _result(
        _row("cpu", 8, 0.008),
        _row("cpu", 1, 0.001),
        _row("cuda:0", 1, 0.002),
        _row("cuda:0", 8, 0.002),
    )
    latency, throughput, _ = charts(result)
    assert [(s.name, s.xs, s.ys) for s in latency.series] == [
        ("cpu", (1, 8), (0.001, 0.008)),
        ("cuda:0", (1, 8), (0.002, 0.002)),
    ]
    assert throughput.series[1].ys == pytest.approx((500, 4000))


def test_one_batch_size_makes_no_line_over_batch() -> None:
    (only,) = charts(_result(_row("cpu", 8, 0.008)))
    assert only.title.startswith("rounds over time")


def test_a_mode_is_a_line_of_its_own() -> None:
    rows = [
        _row("cpu", batch, 0.001 * batch, mode)
        for mode in ("inference", "train")
        for batch in (1, 2)
    ]
    assert [series.name for series in charts(_result(*rows))[0].series] == ["cpu", "cpu train"]


def test_rounds_are_shares_of_their_row_without_the_discarded() -> None:
    (rounds,) = charts(_result(_row("cpu", 8, 0.008)))
    (series,) = rounds.series
    assert (series.xs, series.ys) == ((0.0, 2.0), (1.0, 1.0))


def test_a_row_without_figures_leaves_the_others() -> None:
    result = _result(_row("cpu", 1, 0.001), _row("cpu", 8, 0.008), _row("cpu", 64, None))
    assert charts(result)[0].series[0].xs == (1, 8)
    assert charts(_result(_row("cpu", 64, None))) == ()
