"""Timing one forward, on a device whose clock the test holds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from nninspect.bench import timing
from nninspect.bench.timing import Timed, time_forward
from nninspect.protocol.records import BenchPlan

MakeDevice = Callable[[Iterator[float]], Any]


def plan(**given: Any) -> BenchPlan:
    """Three warm-ups and ten iterations, unless told otherwise."""
    quick = {"seconds": 1.0, "min_iterations": 10, "warmup_seconds": 0.25, "min_warmup": 3}
    return BenchPlan(devices=("cpu",), batches=(1,), **{**quick, **given})


def timed(device: Any, bench_plan: BenchPlan, report: Any = lambda fraction: None) -> Timed:
    return time_forward(device.forward, device, bench_plan, report)


def test_an_iteration_waits_for_the_device_before_it_starts_and_before_it_stops(
    device: MakeDevice,
) -> None:
    played = device(repeat(0.1))
    timed(played, plan())
    once = ["synchronize", "now", "forward", "synchronize", "now"]
    assert played.heard == ["reset", *once * played.calls, "peak"]


def test_a_timing_is_what_the_device_took_not_what_the_call_took(device: MakeDevice) -> None:
    result = timed(device(chain([5.0, 0.5, 0.5, 0.5], repeat(0.25))), plan())
    assert result.timings.seconds == (0.25,) * 10


def test_the_first_call_and_the_warm_up_are_not_among_the_timings(device: MakeDevice) -> None:
    played = device(chain([7.0], [0.5] * 3, repeat(0.125)))
    result = timed(played, plan())
    assert result.first_call_s == 7
    assert result.warmup == 3
    assert result.timings.seconds == (0.125,) * 10
    assert played.calls == 1 + 3 + 10


def test_the_warm_up_lasts_its_seconds(device: MakeDevice) -> None:
    assert timed(device(repeat(0.01)), plan(warmup_seconds=0.0995)).warmup == 10
    assert timed(device(repeat(0.01)), plan(warmup_seconds=0, min_warmup=2)).warmup == 2
    assert timed(device(repeat(0.01)), plan(warmup_seconds=0, min_warmup=0)).warmup == 0


def test_a_quick_forward_is_timed_until_the_seconds_are_full(device: MakeDevice) -> None:
    result = timed(device(repeat(2**-7)), plan())
    assert len(result.timings.seconds) == 2**7


def test_a_slower_one_until_the_iterations_are_full(device: MakeDevice) -> None:
    result = timed(device(repeat(0.25)), plan())
    assert len(result.timings.seconds) == 10


def test_a_very_slow_one_stops_early(device: MakeDevice) -> None:
    played = device(repeat(2.0))
    result = timed(played, plan())
    assert len(result.timings.seconds) == 3
    assert result.warmup == 1
    assert played.calls == 1 + 1 + 3


def test_one_iteration_is_timed_however_long_it_takes(device: MakeDevice) -> None:
    assert timed(device(repeat(3600.0)), plan()).timings.seconds == (3600.0,)


def test_there_are_never_more_timings_than_are_kept(
    device: MakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "MAX_ITERATIONS", 50)
    result = timed(device(repeat(1e-9)), plan())
    assert len(result.timings.seconds) == 50
    assert result.warmup == 50


def test_a_plan_of_no_seconds_has_its_iterations(device: MakeDevice) -> None:
    result = timed(device(repeat(0.1)), plan(seconds=0.0, min_iterations=4))
    assert len(result.timings.seconds) == 4
    result = timed(device(repeat(0.1)), plan(seconds=0.0, min_iterations=0))
    assert len(result.timings.seconds) == 1


def test_the_report_hears_the_fraction_grow_to_the_whole(device: MakeDevice) -> None:
    heard: list[float] = []
    timed(device(repeat(0.25)), plan(), heard.append)
    assert heard[:3] == [0.0] * 3
    assert heard[3:] == [0.25, 0.5, 0.75] + [1.0] * 7


def test_the_report_is_never_heard_within_an_iteration(device: MakeDevice) -> None:
    played = device(repeat(0.25))
    timed(played, plan(), lambda fraction: played.heard.append("report"))
    for place, heard in enumerate(played.heard):
        if heard == "report":
            assert played.heard[place - 1] == "now"
            assert played.heard[place + 1] in ("synchronize", "peak")


def test_the_peak_is_counted_from_before_the_first_call_on(device: MakeDevice) -> None:
    played = device(repeat(0.25))
    assert timed(played, plan()).peak_memory == 4096
    assert played.heard[0] == "reset"


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_no_garbage_is_collected_meanwhile_and_the_collector_is_as_before(
    enabled: bool, fails: bool, device: MakeDevice
) -> None:
    played = device(repeat(0.25))
    during: list[bool] = []

    def report(fraction: float) -> None:
        during.append(gc.isenabled())
        if fails and len(during) > 5:
            raise KeyboardInterrupt

    try:
        if not enabled:
            gc.disable()
        if fails:
            with pytest.raises(KeyboardInterrupt):
                timed(played, plan(), report)
        else:
            timed(played, plan(), report)
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
    assert not any(during)


def test_what_the_forward_raises_comes_out(device: MakeDevice) -> None:
    def broken() -> None:
        raise ValueError("in the third")

    with pytest.raises(ValueError, match="third"):
        time_forward(broken, device(repeat(0.1)), plan(), lambda fraction: None)
    assert gc.isenabled()
