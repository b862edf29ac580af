"""Timing on a virtual device: the truth is known to a percent, and mutants are caught."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from nninspect.bench import clock
from nninspect.bench.contender import Contender, Transfers
from nninspect.bench.limits import fastest_s
from nninspect.protocol.bench_plan import Key

WITHIN = 0.01


def contender(device: Any) -> Contender:
    from contextlib import nullcontext

    moves = Transfers(device.send, device.send_pinned, device.fetch, device.end_to_end)
    return Contender(Key("virtual", 1), device, device.call, nullcontext, transfers=moves)


def measured(device: Any) -> dict[str, float]:
    """Every figure of a call, as a round measures them."""
    found = contender(device)
    found.warm_up()
    samples = found.samples_of(longest_s=100)
    slot = found.apart(samples)
    assert slot.parts is not None
    assert slot.parts.h2d_pinned_s is not None
    return {
        "latency": median(samples),
        "enqueue": slot.parts.enqueue_s,
        "device": slot.parts.device_s or 0.0,
        "h2d": slot.parts.h2d_s,
        "pinned": slot.parts.h2d_pinned_s,
        "d2h": slot.parts.d2h_s,
        "end to end": slot.parts.end_to_end_s,
        "back to back": slot.back_to_back_s or 0.0,
    }


TRUTH = {
    "latency": 10e-3,
    "enqueue": 1e-3,
    "device": 10e-3,
    "h2d": 3e-3,
    "pinned": 1.5e-3,
    "d2h": 2e-3,
    "end to end": 15e-3,
    "back to back": 10e-3,
}


def wrong(device: Any) -> set[str]:
    """The figures that are further than a percent from the truth."""
    found = measured(device)
    return {
        name for name, value in TRUTH.items() if found[name] != pytest.approx(value, rel=WITHIN)
    }


def test_enqueue_device_and_transfers_are_within_a_percent(virtual: Any) -> None:
    assert wrong(virtual()) == set()


def test_a_backend_that_does_not_wait_is_caught(virtual: Any) -> None:
    class NoWait(virtual):
        def synchronize(self) -> None:
            return

    assert {"latency", "back to back"} <= wrong(NoWait())


def test_events_on_another_stream_are_caught(virtual: Any) -> None:
    class OtherStream(virtual):
        def mark(self) -> float:
            return self._mark("other")

    assert wrong(OtherStream()) == {"device"}


def test_a_missing_warm_up_is_caught(virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def cold() -> Any:
        device = virtual()
        device.cold_calls = 20
        return device

    assert wrong(cold()) == set()
    monkeypatch.setattr(clock, "SLOT_WARMUP_CALLS", 0)
    monkeypatch.setattr(clock, "warm_up", lambda *given: clock.Warmth(0, 10e-3))
    assert "latency" in wrong(cold())


def test_a_launch_bound_call_takes_what_it_takes_to_enqueue(virtual: Any) -> None:
    found = measured(virtual(enqueue_s=5e-3, device_s=1e-3))
    assert found["latency"] == pytest.approx(5e-3, rel=WITHIN)
    assert found["device"] == pytest.approx(5e-3, rel=WITHIN), "a span, not busy time"


def test_a_device_without_events_has_no_device_time(virtual: Any) -> None:
    class NoEvents(virtual):
        events = None

    device = NoEvents()
    assert clock.enqueue_and_device(device.call, device, 3) == (pytest.approx(1e-3), None)


def test_the_limits_of_a_device_hold_neither_its_launches_nor_the_wait_for_them(
    virtual: Any,
) -> None:
    """A copy of 32 MB takes less than that on a large GPU."""

    class FarAway(virtual):
        KERNELS = 1

        def synchronize(self) -> None:
            super().synchronize()
            self.host += 20e-6

    device = FarAway(enqueue_s=4e-6, device_s=10e-6)
    assert clock.timed(device.call, device) == pytest.approx(34e-6)
    assert fastest_s(device.call, device) == pytest.approx(10e-6, rel=0.06)


def test_the_warm_up_goes_on_until_two_batches_agree(virtual: Any) -> None:
    class Warming(virtual):
        def call(self) -> None:
            self.device_s = max(10e-3, self.device_s * 0.98)
            super().call()

    warmth = clock.warm_up((device := Warming(device_s=30e-3)).call, device)
    assert warmth.calls > 25
    assert warmth.call_s == pytest.approx(10e-3, rel=0.05)


def test_the_warm_up_has_its_least_seconds(virtual: Any) -> None:
    device = virtual()
    assert clock.warm_up(device.call, device).calls * 10e-3 >= clock.WARMUP_ACCELERATOR_S
    device = virtual()
    device.queues = False
    assert 10 <= clock.warm_up(device.call, device).calls <= 20


def test_the_warm_up_of_what_never_settles_ends(virtual: Any) -> None:
    class Slower(virtual):
        def call(self) -> None:
            self.device_s *= 1.01
            super().call()

    device = Slower()
    began = device.host
    clock.warm_up(device.call, device)
    assert device.host - began < 2 * clock.MAX_WARMUP_S


@pytest.mark.parametrize(
    ("call_s", "calls"), [(1.0, 1), (10e-6, 1), (9.9e-6, 21), (1.001e-6, 200), (0.0, 200_000)]
)
def test_a_sample_is_one_call_from_ten_microseconds_on(call_s: float, calls: int) -> None:
    assert clock.calls_per_sample(call_s) == calls


def test_a_slot_lasts_its_seconds_and_its_calls(virtual: Any) -> None:
    quick, slow = virtual(device_s=10e-3), virtual(device_s=1.0)
    assert len(clock.sample(quick.call, quick, 1, 100)) == 20
    assert len(clock.sample(slow.call, slow, 1, 100)) == 5


def test_a_slot_of_a_very_slow_call_ends_early_with_one_at_least(virtual: Any) -> None:
    slow = virtual(device_s=30.0)
    assert len(clock.sample(slow.call, slow, 1, 1.0)) == 1


def test_block_means_are_seconds_a_call_each_waited_for(virtual: Any) -> None:
    device = virtual(enqueue_s=1e-6, device_s=5e-6)
    device.KERNELS = 50  # ten thousands of calls are played here
    samples = clock.sample(device.call, device, 40, 100)
    assert samples[0] == pytest.approx(5e-6, rel=WITHIN)


def test_parts_are_timed_apart_and_in_order(virtual: Any) -> None:
    device = virtual()
    heard: list[str] = []

    def named(name: str, call: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            heard.append(name)
            call()

        return run

    found = clock.parts([named("a", device.call), named("b", device.fetch)], device, 3)
    assert heard == ["a", "b"] * 3
    assert found == [pytest.approx(10e-3, rel=WITHIN), pytest.approx(2e-3, rel=WITHIN)]


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_in_a_slot_and_the_collector_is_as_before(
    enabled: bool, virtual: Any
) -> None:
    device, during = virtual(), []
    found = contender(device)
    found.call = lambda: (during.append(gc.isenabled()), device.call())
    try:
        if not enabled:
            gc.disable()
        found.samples_of(1.0)
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
    assert during
    assert not any(during)
