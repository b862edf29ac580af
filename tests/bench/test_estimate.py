"""Every figure against a hand-computed case, and the estimators' properties."""

from __future__ import annotations

import random
import statistics

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect.bench import estimate
from nninspect.protocol.bench_figures import Round

SECONDS = st.floats(1e-9, 1e6)
SOME = st.lists(SECONDS, min_size=1, max_size=50)


def round_of(number: int, median_s: float, *, discarded: bool = False) -> Round:
    return Round(
        number=number,
        median_s=median_s,
        n=5,
        t_start_s=number,
        canary_ratio=1.0,
        discarded=discarded,
    )


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([3.0], 0.95, 3.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0.0, 1.0),
        ([4.0, 1.0, 3.0, 2.0], 1.0, 4.0),
        ([4.0, 1.0, 3.0, 2.0], 0.25, 1.75),
        ([10.0, 20.0, 30.0, 40.0, 50.0], 0.95, 48.0),
    ],
)
def test_a_quantile_by_hand(values: list[float], fraction: float, expected: float) -> None:
    assert estimate.quantile(values, fraction) == pytest.approx(expected)


@given(SOME, st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], fraction: float) -> None:
    expected = float(numpy.quantile(values, fraction))
    assert estimate.quantile(values, fraction) == pytest.approx(expected)


def test_of_nothing_there_is_no_figure() -> None:
    for figure in (lambda: estimate.quantile([], 0.5), lambda: estimate.interval([])):
        with pytest.raises(ValueError, match="at least one"):
            figure()


@pytest.mark.parametrize(
    ("count", "rank", "percent"),
    [(10, 2, 97.85), (10, 1, 99.8), (6, 1, 96.88), (5, 1, 93.75), (1, 1, 0.0), (2, 1, 50.0)],
)
def test_the_coverage_is_that_of_the_binomial(count: int, rank: int, percent: float) -> None:
    assert 100 * estimate.coverage(count, rank) == pytest.approx(percent, abs=0.01)


@pytest.mark.parametrize(("count", "rank"), [(10, 2), (6, 1), (8, 1), (9, 2), (5, 1), (1, 1)])
def test_the_interval_is_the_narrowest_that_covers_enough(count: int, rank: int) -> None:
    assert estimate.interval_rank(count) == rank


def test_ten_rounds_give_the_second_to_the_ninth() -> None:
    found = estimate.interval([7.0, 1.0, 4.0, 10.0, 2.0, 9.0, 3.0, 8.0, 5.0, 6.0])
    assert (found.low, found.high) == (2.0, 9.0)
    assert found.method == "ordered rounds 2 to 9 of 10 (97.9 %)"


def test_six_rounds_give_all_of_them() -> None:
    found = estimate.interval([3.0, 1.0, 6.0, 2.0, 5.0, 4.0])
    assert (found.low, found.high) == (1.0, 6.0)
    assert found.method == "ordered rounds 1 to 6 of 6 (96.9 %)"


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    draws = random.Random(1)
    held = 0
    for _ in range(4000):
        found = estimate.interval([draws.lognormvariate(0, 1) for _ in range(10)])
        held += found.low <= 1.0 <= found.high
    assert held / 4000 == pytest.approx(0.979, abs=0.01)


@given(SOME)
def test_an_interval_has_the_median_within_it(values: list[float]) -> None:
    found = estimate.interval(values)
    assert found.low <= statistics.median(values) <= found.high


@given(SOME, st.randoms(use_true_random=False))
def test_an_interval_does_not_depend_on_the_order(
    values: list[float], shuffler: random.Random
) -> None:
    other = list(values)
    shuffler.shuffle(other)
    assert estimate.interval(other) == estimate.interval(values)


@given(SOME, st.sampled_from([0.25, 2.0, 1024.0]))
def test_figures_scale_with_what_was_measured(values: list[float], factor: float) -> None:
    scaled = [each * factor for each in values]
    assert estimate.interval(scaled).low == estimate.interval(values).low * factor
    assert estimate.is_bimodal(scaled) == estimate.is_bimodal(values)


def test_a_latency_by_hand() -> None:
    rounds = [round_of(n, float(n + 1)) for n in range(10)]
    found = estimate.latency(rounds, [float(n) for n in range(1, 102)], 1, 7)
    assert found.median_s == 5.5
    assert (found.ci_low_s, found.ci_high_s) == (2.0, 9.0)
    assert found.floor_s == 6.0
    assert found.p90_s == 91.0
    assert found.p99_s is None
    assert (found.n_calls, found.calls_per_sample, found.warmup_calls) == (101, 1, 7)


def test_a_discarded_slot_is_in_no_figure() -> None:
    rounds = [round_of(0, 100.0, discarded=True), *(round_of(n, 2.0) for n in range(6))]
    found = estimate.latency(rounds, [2.0] * 6)
    assert (found.median_s, found.ci_high_s) == (2.0, 2.0)
    assert len(found.rounds) == 7


def test_one_slow_round_moves_neither_the_median_nor_the_interval_of_ten() -> None:
    rounds = [round_of(n, 100.0 if n == 3 else 1.0) for n in range(10)]
    found = estimate.latency(rounds, [1.0])
    assert (found.median_s, found.ci_low_s, found.ci_high_s) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("samples", "block", "has_p90", "has_p99"),
    [(99, 1, False, False), (100, 1, True, False), (1000, 1, True, True), (1000, 9, False, False)],
)
def test_a_tail_is_told_of_enough_calls_and_never_of_block_means(
    samples: int, block: int, has_p90: bool, has_p99: bool
) -> None:
    found = estimate.latency([round_of(0, 1.0)], [1.0] * samples, block)
    assert (found.p90_s is not None, found.p99_s is not None) == (has_p90, has_p99)
    assert found.n_calls == samples * block


def test_the_drift_is_the_last_fifth_over_the_first() -> None:
    medians = [1.0, 3.0, *[9.0] * 6, 2.0, 2.4]
    assert estimate.drift(medians) == pytest.approx(2.2 / 2.0 - 1)
    assert estimate.drift([1.0, 9.0, 9.0, 9.0, 9.0, 1.5]) == pytest.approx(0.5)
    assert estimate.drift([1.0] * 4) is None


def test_two_speeds_are_bimodal() -> None:
    draws = random.Random(2)
    slow = [draws.gauss(1.3, 0.02) for _ in range(60)]
    assert estimate.is_bimodal([draws.gauss(1.0, 0.02) for _ in range(140)] + slow)
    assert estimate.is_bimodal([1.0] * 50 + [1.2] * 50)


@pytest.mark.parametrize("seed", range(5))
def test_one_speed_is_not_bimodal_whatever_its_shape(seed: int) -> None:
    draws = random.Random(seed)
    shapes = (
        lambda: draws.gauss(1, 0.1),
        lambda: draws.uniform(1, 2),
        lambda: draws.lognormvariate(0, 0.5),
        lambda: 1 + draws.expovariate(5),
        lambda: 1.0,
        lambda: 1.0 if draws.random() < 0.97 else 9.0,
    )
    for shape in shapes:
        assert not estimate.is_bimodal([shape() for _ in range(400)])


def test_modes_closer_than_a_twentieth_are_one() -> None:
    assert not estimate.is_bimodal([1.0] * 50 + [1.04] * 50)
