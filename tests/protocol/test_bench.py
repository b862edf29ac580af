"""The records of a benchmark: what is derived from them."""

from __future__ import annotations

import pytest

from nninspect.protocol.bench import Compare
from nninspect.protocol.bench_figures import Latency, Round
from nninspect.protocol.bench_plan import Key


@pytest.mark.parametrize(
    ("low", "high", "withheld", "winner"),
    [
        (1.01, 1.2, "", "this"),
        (0.8, 0.99, "", "against"),
        (0.99, 1.01, "", ""),
        (1.0, 1.2, "", ""),
        (1.5, 1.6, "the outputs differ", ""),
        (None, None, "", ""),
    ],
)
def test_only_an_interval_without_1_in_it_has_a_winner(
    low: float | None, high: float | None, withheld: str, winner: str
) -> None:
    compare = Compare(against=Key("cpu", 1), ratio=1.0, ci_low=low, ci_high=high, withheld=withheld)
    assert compare.winner == winner


def latency(*rounds: Round) -> Latency:
    return Latency(
        median_s=2.0,
        ci_low_s=1.9,
        ci_high_s=2.3,
        ci_method="",
        floor_s=1.8,
        p90_s=None,
        p99_s=None,
        n_calls=10,
        calls_per_sample=1,
        warmup_calls=3,
        rounds=rounds,
    )


def test_the_half_width_is_a_share_of_the_median() -> None:
    assert latency().half_width == pytest.approx(0.1)


def test_a_discarded_slot_stays_in_the_record_and_out_of_the_estimate() -> None:
    slots = [
        Round(number=0, median_s=m, n=5, t_start_s=0, canary_ratio=1, discarded=m == 9)
        for m in (9.0, 2.0)
    ]
    found = latency(*slots)
    assert [each.median_s for each in found.rounds] == [9.0, 2.0]
    assert [each.median_s for each in found.kept] == [2.0]
