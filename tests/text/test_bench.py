"""A bench table's cells and the sentences below it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nninspect.protocol.bench import (
    Agreement,
    BenchResult,
    BenchRow,
    Compare,
    Config,
    Quality,
    Run,
    Spent,
)
from nninspect.protocol.bench_figures import (
    Cold,
    Latency,
    LayerTime,
    LayerTimes,
    Round,
    Throughput,
)
from nninspect.protocol.bench_plan import BenchError, BenchProgress, Key
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import Setup
from nninspect.text import bench, intervals, remarks


def latency(median_s: float, low: float, high: float) -> Latency:
    return Latency(
        median_s=median_s,
        ci_low_s=low,
        ci_high_s=high,
        ci_method="",
        floor_s=low,
        p90_s=high,
        p99_s=None,
        n_calls=1200,
        calls_per_sample=1,
        warmup_calls=3,
        rounds=(),
    )


def row(device: str = "cpu", mode: str = "inference", **given: Any) -> BenchRow:
    config = Config(
        target="x",
        params=1,
        inputs=(),
        batch=2,
        dtype="float32",
        device=device,
        mode=mode,
        threads=2,
    )
    return BenchRow(config=config, **given)


def at(batch: int, device: str = "cpu", **given: Any) -> BenchRow:
    found = row(device, **given)
    return replace(found, config=replace(found.config, batch=batch))


def result(*rows: BenchRow, **given: Any) -> BenchResult:
    return BenchResult(
        setup=Setup(target="x"),
        run=Run(id="", time_utc="", torch="", python="", seed=0),
        machine=Machine(host="", cpu="", isa="", cores_visible=2, quota_cores=None, threads=2),
        rows=rows,
        **given,
    )


MEASURED = row(
    cold=Cold(build_s=1, to_device_s=0, first_call_s=0.05),
    latency=latency(0.0023144, 0.00228, 0.00235),
    throughput=Throughput(items_per_s=864.2, ci_low=850, ci_high=880, mode="latency"),
    quality=Quality(verdict="noisy", reasons=("preempted", "trend")),
)
FULL = row(
    "cuda:0",
    error=BenchError(
        kind="OutOfMemory", message="no room", stage="first call", hint="Use a smaller batch."
    ),
)


def test_a_row_has_a_cell_for_every_column() -> None:
    for each in (MEASURED, FULL, row()):
        assert len(bench.cells(each)) == len(bench.COLUMNS)


def test_a_measured_row_by_its_cells() -> None:
    cells = dict(zip(bench.COLUMNS, bench.cells(MEASURED), strict=True))
    assert cells == {
        "device": "cpu",
        "batch": "2",
        "mode": "inference",
        "p50": "2.31 ms",
        "interval": "2.28–2.35 ms",
        "speed-up": "–",
        "items/s": "864",
        "peak memory": "–",
        "n": "1,200",
        "floor": "2.28 ms",
        "p90": "2.35 ms",
        "p99": "–",
        "first call": "50.0 ms",
        "verdict": "noisy: preempted, trend",
    }


@pytest.mark.parametrize(
    ("median_s", "half_width", "text"),
    [
        (0.0023144, 0.00003, "2.31 ms"),
        (0.0023144, 0.0004, "2.3 ms"),
        (0.0023144, 0.004, "2 ms"),
        (0.0023144, 0.000003, "2.314 ms"),
        (0.0023144, 0.0, "2.314 ms"),
        (0.2314, 0.02, "231 ms"),
        (33.14e-6, 0.2e-6, "33.1 µs"),
        (12.0, 0.3, "12.0 s"),
    ],
)
def test_digits_end_where_the_interval_is(median_s: float, half_width: float, text: str) -> None:
    assert intervals.rounded(median_s, 2 * half_width) == text


def test_both_ends_of_an_interval_are_in_the_medians_unit() -> None:
    assert intervals.interval(latency(1.02e-3, 0.93e-3, 1.12e-3)) == "0.93–1.12 ms"
    assert intervals.interval(latency(154e-6, 152e-6, 0.28)) == "152 µs–280 ms"
    assert intervals.interval(latency(8e-3, 0.39e-3, 24e-3)) == "390 µs–24.0 ms"


def compare(ratio: float | None, low: float | None, high: float | None, **given: Any) -> Compare:
    return Compare(against=Key("cpu", 2), ratio=ratio, ci_low=low, ci_high=high, **given)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (compare(12.34, 11.9, 12.8), "12.3× (11.9–12.8)"),
        (compare(1.02, 0.97, 1.06), "≈1.02× (0.97–1.06)"),
        (compare(12.34, 11.9, 12.8, untrusted=True), "~12.3× (11.9–12.8)"),
        (compare(0.7, 0.023, 1.9, untrusted=True), "~0.7× (0.023–1.9)"),
        (compare(0.76, 0.61, 231, untrusted=True), "~0.76× (0.61–230)"),
        (compare(None, None, None, withheld="it failed"), "withheld"),
        (None, "–"),
    ],
)
def test_a_speed_up_has_its_interval_and_says_whether_it_is_one(
    found: Compare | None, text: str
) -> None:
    assert bench.speedup(found) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("OutOfMemory", "out of memory"), ("NotHere", "not here"), ("Failed", "failed")],
)
def test_a_failed_row_says_how_in_its_verdict(kind: str, text: str) -> None:
    error = BenchError(kind=kind, message="m", stage="warm-up")
    assert bench.verdict(row(error=error)) == text


def test_remarks_say_what_is_missing_what_failed_and_what_reasons_mean() -> None:
    found = list(remarks.remarks(result(MEASURED, FULL, missing="No GPU.", stopped="cancelled")))
    assert found == [
        "No GPU.",
        "Cancelled: the figures are of the rounds that were finished.",
        "cuda:0, batch 2: no room. Use a smaller batch.",
        f"preempted (cpu, batch 2): {remarks.REASONS['preempted']}",
        f"trend (cpu, batch 2): {remarks.REASONS['trend']}",
    ]
    assert list(remarks.remarks(result(row()))) == []


@pytest.mark.parametrize(
    ("cores", "said"),
    [
        (1.5, ["A CPU quota lets this process have 1.5 of the machine's 2 cores."]),
        (2.0, []),
    ],
)
def test_a_quota_of_less_than_the_machine_is_told(cores: float, said: list[str]) -> None:
    found = result(row())
    limited = replace(found, machine=replace(found.machine, quota_cores=cores))
    assert list(remarks.remarks(limited)) == said


def test_outputs_that_differ_are_told_with_the_limit() -> None:
    wrong = Agreement(
        against=Key("cpu", 2),
        max_error=0.031,
        cosine_distance=0,
        argmax_agreement=None,
        limit=1e-5,
        agrees=False,
    )
    (found,) = remarks.remarks(result(row("cuda:0", mode="float16", agreement=wrong)))
    assert found == (
        "cuda:0, batch 2, float16: its outputs differ from those of cpu, batch 2: the largest "
        "error over their scale is 3.1e-02, the limit 1e-05"
    )
    boundless = Agreement(
        against=Key("cpu", 2),
        max_error=None,
        cosine_distance=0,
        argmax_agreement=None,
        limit=1e-5,
        agrees=False,
    )
    assert "without bound" in remarks.disagreement(boundless)


def test_every_reason_that_a_verdict_gives_has_a_meaning() -> None:
    from nninspect.bench import verdict

    with open(verdict.__file__, encoding="utf-8") as file:
        given = {line.split('"')[1] for line in file if line.strip().startswith('yield "')}
    assert given == set(remarks.REASONS)


def test_progress_says_where_it_is_and_the_latest_figure() -> None:
    start = BenchProgress(key=Key("cpu", 8), place=0, places=2)
    assert bench.progress(start) == "warming up, cpu, batch 8"
    later = BenchProgress(
        key=Key("cpu", 8),
        place=0,
        places=2,
        round=2,
        rounds=10,
        latest=Key("cpu", 1, "train"),
        median_s=0.0023144,
        ci_low_s=0.00228,
        ci_high_s=0.00235,
        seconds_left=8.2,
    )
    assert bench.progress(later) == "8 s left, round 3 of 10, cpu, batch 8"
    assert bench.latest(later) == "2.31 ms (2.28–2.35 ms)"
    assert bench.latest(start) == ""


def test_what_holds_of_many_rows_is_said_once() -> None:
    said = "it ran eagerly"
    rows = [at(batch, labels=(said,)) for batch in (1, 8)]
    assert list(remarks.remarks(result(*rows, row("cuda:0", labels=(said,))))) == [
        "cpu, batch 1, 8; cuda:0, batch 2: it ran eagerly"
    ]


def test_too_few_rounds_say_how_much_more_time_they_want() -> None:
    rounds = tuple(
        Round(number=n, median_s=1.0, n=1, t_start_s=n, canary_ratio=1.0) for n in range(4)
    )
    short = replace(latency(1.0, 0.9, 1.1), rounds=rounds)
    found = row(latency=short, quality=Quality(verdict="untrusted", reasons=("too few rounds",)))
    spent = Spent(load_s=0, rounds_s=20.0)
    (said,) = remarks.remarks(result(found, stopped="time limit", spent=spent))
    assert said.endswith("95 %: give it 10 s more, or fewer rows")


def test_means_of_blocks_are_labelled() -> None:
    short = row(latency=replace(latency(3e-6, 3e-6, 3e-6), calls_per_sample=70))
    assert "means of blocks" in next(remarks.remarks(result(short)))


def test_columns_that_tell_nothing_go_first_and_reasons_before_them() -> None:
    whole, _ = bench.fitted([MEASURED], 200)
    assert tuple(whole) == bench.COLUMNS
    titles, (cells,) = bench.fitted([MEASURED], 100)
    assert cells[-1] == "noisy"
    assert {"p99", "peak memory", "mode"}.isdisjoint(titles)
    assert "interval" in titles
    narrow, (cells,) = bench.fitted([MEASURED], 50)
    assert sum(map(len, cells)) + 2 * (len(narrow) - 1) <= 50
    assert narrow[-1] == "verdict"


def _layer_times(over_plain: float) -> LayerTimes:
    layers = (
        LayerTime(path="", self_s=0.001, total_s=0.010, calls=1),
        LayerTime(
            path="fc",
            self_s=0.006,
            total_s=0.006,
            calls=2,
            flops=1_200_000,
            bound="compute-bound",
        ),
        LayerTime(path="act", self_s=0.003, total_s=0.003, calls=1),
    )
    return LayerTimes(layers=layers, unattributed_s=0.002, instrumented_over_plain=over_plain)


def test_layers_stand_by_their_own_time_with_all_that_is_left() -> None:
    assert list(bench.layer_cells(_layer_times(1.05), 2)) == [
        ("fc", ("fc", "50.0%", "6.00 ms", "2", "200 M", "compute")),
        ("act", ("act", "25.0%", "3.00 ms", "1", "–", "")),
        (None, ("(1 more)", "8.3%", "1.00 ms", "", "", "")),
        (None, ("(outside the model)", "16.7%", "2.00 ms", "", "", "")),
    ]


def test_where_watching_costs_over_a_tenth_there_are_shares_only() -> None:
    assert {own for _, (_, _, own, *_) in bench.layer_cells(_layer_times(1.2), 9)} == {"–"}
