"""A verdict for each threshold, on both its sides."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nninspect.bench import estimate, verdict
from nninspect.protocol.bench import Quality
from nninspect.protocol.bench_figures import Latency, Round

STEADY = [1.0] * 200


def latency(medians: list[float] | None = None, **given: Any) -> Latency:
    """Ten quiet rounds of one second, unless told otherwise; `given` changes each round."""
    rounds = [
        Round(
            **{
                "number": n,
                "median_s": seconds,
                "n": 20,
                "t_start_s": float(n),
                "canary_ratio": 1.0,
                **given,
            }
        )
        for n, seconds in enumerate(medians or [1.0] * 10)
    ]
    return estimate.latency(rounds, STEADY)


def judged(found: Latency) -> Quality:
    return verdict.judge(found, STEADY)


def test_quiet_rounds_are_trusted_without_a_reason() -> None:
    assert judged(latency()) == Quality(verdict="trusted")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"canary_ratio": 1.07}, "shared core"),
        ({"runq_frac": 0.01}, "preempted"),
        ({"throttled": ("heat",)}, "throttled"),
        ({"throttled": ("quota",), "runq_frac": 0.5}, "over quota"),
    ],
)
def test_a_disturbed_machine_is_noisy_and_says_how(given: dict[str, Any], reason: str) -> None:
    assert judged(latency(**given)) == Quality(verdict="noisy", reasons=(reason,))


@pytest.mark.parametrize("given", [{"canary_ratio": 1.06}, {"runq_frac": 0.009}])
def test_up_to_a_threshold_it_is_trusted(given: dict[str, Any]) -> None:
    assert judged(latency(**given)).verdict == "trusted"


def test_one_disturbed_round_of_ten_is_left_out_as_the_interval_does() -> None:
    found = latency()
    rounds = (replace(found.rounds[0], canary_ratio=3.0, runq_frac=0.5), *found.rounds[1:])
    assert judged(replace(found, rounds=rounds)).verdict == "trusted"
    rounds = (*(replace(each, canary_ratio=3.0) for each in rounds[:2]), *rounds[2:])
    assert judged(replace(found, rounds=rounds)).reasons == ("shared core",)


@pytest.mark.parametrize(
    ("half_width", "expected"),
    [(0.019, "trusted"), (0.021, "noisy"), (0.099, "noisy"), (0.101, "untrusted")],
)
def test_the_interval_decides_what_is_usable(half_width: float, expected: str) -> None:
    found = replace(latency(), ci_low_s=1 - half_width, ci_high_s=1 + half_width)
    assert judged(found).verdict == expected


@pytest.mark.parametrize(("waited", "expected"), [(0.09, "noisy"), (0.10, "untrusted")])
def test_a_core_that_others_have_a_tenth_of_the_time_is_no_measure(
    waited: float, expected: str
) -> None:
    found = judged(latency(runq_frac=waited))
    assert (found.verdict, found.reasons) == (expected, ("preempted",))


@pytest.mark.parametrize(
    ("last", "reasons"), [(1.029, ()), (1.031, ("trend",)), (0.96, ("trend",))]
)
def test_a_trend_is_told(last: float, reasons: tuple[str, ...]) -> None:
    found = replace(latency([1.0] * 8 + [last] * 2), ci_low_s=1.0, ci_high_s=1.0)
    assert judged(found).reasons == reasons


@pytest.mark.parametrize(("floor", "reasons"), [(0.92, ()), (0.90, ("far above the floor",))])
def test_a_median_far_above_the_floor_is_told(floor: float, reasons: tuple[str, ...]) -> None:
    assert judged(replace(latency(), floor_s=floor)).reasons == reasons


def test_two_speeds_are_told() -> None:
    samples = [1.0] * 100 + [1.3] * 100
    assert verdict.judge(latency(), samples).reasons == ("bimodal",)


@pytest.mark.parametrize("count", [1, 5])
def test_too_few_rounds_are_never_trusted(count: int) -> None:
    found = judged(latency([1.0] * count))
    assert found.verdict == "untrusted"
    assert found.reasons == ("too few rounds",)


def test_discarded_slots_are_counted_and_judge_nothing() -> None:
    found = latency()
    bad = replace(found.rounds[0], discarded=True, canary_ratio=9.0, runq_frac=0.9)
    quality = judged(replace(found, rounds=(bad, bad, *found.rounds)))
    assert (quality.verdict, quality.discarded_slots) == ("trusted", 2)
