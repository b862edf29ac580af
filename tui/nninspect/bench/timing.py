"""Timing one forward: a first call, warm-up, then iterations timed one by one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nninspect.bench.backend import Backend
from nninspect.protocol.records import BenchPlan, Timings

MAX_ITERATIONS = 20_000
"""Kept timings at most: a 30 µs forward needs no more, and they cross the pipe."""

MAX_SECONDS_RATIO = 5
"""A slow forward stops short of the plan's least iterations, of the warm-up's and of the timed
ones, after this many times the plan's seconds for them."""


@dataclass(frozen=True)
class Timed:
    """What timing one forward gave."""

    first_call_s: float
    warmup: int
    timings: Timings
    peak_memory: int | None


def time_forward(
    forward: Callable[[], object],
    backend: Backend,
    plan: BenchPlan,
    report: Callable[[float], None],
) -> Timed:
    """Time a forward by the plan; `report` hears the fraction done, between iterations.

    Every iteration waits for the device, so a timing is a latency. The first call is timed
    apart: it allocates, compiles and chooses algorithms. Raises what the forward raises.
    """
    backend.reset_peak_memory()
    with _no_garbage_collection():
        first_call = _timed(forward, backend)
        warmup = _warm_up(forward, backend, plan, report)
        timings = _iterations(forward, backend, plan, report)
    return Timed(first_call, warmup, timings, backend.peak_memory())


def _timed(forward: Callable[[], object], backend: Backend) -> float:
    backend.synchronize()
    started = backend.now()
    forward()
    backend.synchronize()
    return backend.now() - started


def _warm_up(
    forward: Callable[[], object],
    backend: Backend,
    plan: BenchPlan,
    report: Callable[[float], None],
) -> int:
    calls, spent = 0, 0.0
    while not _is_enough(calls, spent, plan.min_warmup, plan.warmup_seconds):
        spent += _timed(forward, backend)
        calls += 1
        report(0.0)
    return calls


def _iterations(
    forward: Callable[[], object],
    backend: Backend,
    plan: BenchPlan,
    report: Callable[[float], None],
) -> Timings:
    seconds: list[float] = []
    total = 0.0
    while not seconds or not _is_enough(len(seconds), total, plan.min_iterations, plan.seconds):
        seconds.append(_timed(forward, backend))
        total += seconds[-1]
        report(min(1.0, total / plan.seconds) if plan.seconds else 1.0)
    return Timings(tuple(seconds))


def _is_enough(iterations: int, spent: float, least: int, seconds: float) -> bool:
    if iterations >= MAX_ITERATIONS:
        return True
    if iterations > 0 and seconds > 0 and spent >= MAX_SECONDS_RATIO * seconds:
        return True
    return iterations >= least and spent >= seconds


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A collection within an iteration would be timed as the model's."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
