"""What is derived from raw timings."""

from __future__ import annotations

import statistics

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect.protocol.records import BenchResult, BenchRow, Setup, Timings, quantile

SECONDS = st.floats(1e-9, 1e6)


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([3.0], 0.5, 3.0),
        ([3.0], 0.95, 3.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0.0, 1.0),
        ([4.0, 1.0, 3.0, 2.0], 1.0, 4.0),
        ([4.0, 1.0, 3.0, 2.0], 0.25, 1.75),
        ([10.0, 20.0, 30.0, 40.0, 50.0], 0.95, 48.0),
    ],
)
def test_a_quantile_by_hand(values: list[float], fraction: float, expected: float) -> None:
    assert quantile(values, fraction) == pytest.approx(expected)


def test_a_quantile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        quantile([], 0.5)


@given(st.lists(SECONDS, min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], fraction: float) -> None:
    assert quantile(values, fraction) == pytest.approx(float(numpy.quantile(values, fraction)))


@given(st.lists(SECONDS, min_size=1, max_size=50))
def test_the_p50_is_the_median(values: list[float]) -> None:
    assert Timings(tuple(values)).p50 == pytest.approx(statistics.median(values))


@given(st.lists(SECONDS, min_size=1, max_size=50))
def test_figures_are_in_order_and_within_what_was_measured(values: list[float]) -> None:
    timings = Timings(tuple(values))
    assert min(values) <= timings.p50 * (1 + 1e-9)
    assert timings.p50 <= timings.p95 * (1 + 1e-9)
    assert timings.p95 <= max(values) * (1 + 1e-9)
    assert timings.iqr >= 0


def test_one_slow_iteration_does_not_move_the_median() -> None:
    assert Timings((1.0,) * 20 + (100.0,)).p50 == 1.0


def test_a_spread_of_over_a_tenth_is_unstable() -> None:
    assert Timings((1.0, 1.0, 1.2, 1.2)).is_unstable
    assert not Timings((1.0, 1.0, 1.05, 1.05)).is_unstable
    assert not Timings((1.0,)).is_unstable


def row(device: str, batch: int, *seconds: float) -> BenchRow:
    timings = Timings(seconds) if seconds else None
    return BenchRow(device=device, batch=batch, timings=timings)


def result(*rows: BenchRow) -> BenchResult:
    return BenchResult(setup=Setup(target="it"), rows=rows)


def test_the_speed_up_is_the_cpus_p50_by_the_devices_at_the_same_batch() -> None:
    rows = (
        row("cpu", 1, 0.010, 0.020, 0.030),
        row("cpu", 8, 0.080),
        row("cuda:0", 1, 0.010),
        row("cuda:0", 8, 0.008),
    )
    found = result(*rows)
    assert [found.speedup(r) for r in rows] == [None, None, pytest.approx(2), pytest.approx(10)]


def test_without_a_pair_there_is_no_speed_up() -> None:
    gpu = row("cuda:0", 4, 0.01)
    assert result(gpu).speedup(gpu) is None
    assert result(row("cpu", 1, 0.1), gpu).speedup(gpu) is None
    assert result(row("cpu", 4), gpu).speedup(gpu) is None
    failed = row("cuda:0", 4)
    assert result(row("cpu", 4, 0.1), failed).speedup(failed) is None


def test_throughput_is_samples_a_second_at_the_p50() -> None:
    assert row("cpu", 8, 0.5, 0.5, 4.0).throughput == pytest.approx(16)
    assert row("cpu", 8).throughput is None
