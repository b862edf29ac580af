"""Timing calls on a backend: warm-up, block size, a slot of samples, and where a call's time goes.

Nothing here knows torch, and nothing is reported, sent or collected within a timed region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from nninspect.bench.backend import Backend

Call: TypeAlias = Callable[[], object]

MIN_WARMUP_CALLS = 3
WARMUP_CPU_S = 0.1
WARMUP_ACCELERATOR_S = 0.5
WARMUP_AGREES = 0.05
"""Warm: two successive batches of calls are within this share of each other."""
MAX_WARMUP_S = 3.0

ONE_CALL_FROM_S = 10e-6
"""A clock read costs a hundredth of such a call, so each is timed by itself."""
BLOCK_S = 200e-6
"""Shorter calls are timed in blocks that last so long at least."""

SLOT_S = 0.2
SLOT_CALLS = 5

SLOT_WARMUP_CALLS = 2
"""Untimed, at the start of each slot: what ran before has taken caches and clock speed along."""
SLOT_WARMUP_SHARE = 0.1
"""Of the longest that a slot may take: a call that is slow for its time warms up by itself."""

SPLIT_S = 0.02
MIN_SPLIT_CALLS, MAX_SPLIT_CALLS = 3, 20
"""Calls whose parts are timed in each round, apart from its samples."""


@dataclass(frozen=True)
class Warmth:
    """How a configuration became warm."""

    calls: int
    call_s: float
    """The median of the last batch: one call, synchronized."""


def timed(call: Call, backend: Backend) -> float:
    """Seconds of one call, from an idle device until it is done."""
    now, synchronize = backend.now, backend.synchronize
    synchronize()
    started = now()
    call()
    synchronize()
    return now() - started


def warm_up(call: Call, backend: Backend, longest_s: float = MAX_WARMUP_S) -> Warmth:
    """Call until it is warm: enough calls, enough time, and two batches that agree; or so long."""
    longest_s = min(longest_s, MAX_WARMUP_S)
    least_s = min(longest_s, WARMUP_ACCELERATOR_S if backend.queues else WARMUP_CPU_S)
    calls, spent, before = 0, 0.0, math.inf
    while True:
        batch = _batch(call, backend, least_s / 4, longest_s - spent)
        calls, spent = calls + len(batch), spent + sum(batch)
        now = median(batch)
        agrees = abs(now - before) <= WARMUP_AGREES * now
        if spent >= longest_s or (calls >= MIN_WARMUP_CALLS and spent >= least_s and agrees):
            return Warmth(calls, now)
        before = now


def _batch(call: Call, backend: Backend, seconds: float, left: float) -> list[float]:
    taken: list[float] = []
    total = 0.0
    while not taken or total < min(seconds, left):
        taken.append(timed(call, backend))
        total += taken[-1]
    return taken


def calls_per_sample(call_s: float) -> int:
    """1 from ten microseconds on; below, as many as fill a block."""
    if call_s >= ONE_CALL_FROM_S:
        return 1
    return math.ceil(BLOCK_S / max(call_s, 1e-9))


def sample(
    call: Call, backend: Backend, per_sample: int, longest_s: float, call_s: float = 0.0
) -> list[float]:
    """One slot: seconds a call, one entry a sample, in the order measured.

    Lasts SLOT_S and SLOT_CALLS at least, but ends before the sample that would pass `longest_s`.
    `call_s` is what a call takes, as far as it is known.
    """
    began = backend.now()
    for _ in range(SLOT_WARMUP_CALLS if per_sample == 1 else per_sample):
        if backend.now() - began + call_s <= SLOT_WARMUP_SHARE * longest_s:
            call()
    backend.synchronize()
    if per_sample > 1:
        return _blocks(call, backend, per_sample, longest_s)
    return _singles(call, backend, longest_s)


def _singles(call: Call, backend: Backend, longest_s: float) -> list[float]:
    now, synchronize = backend.now, backend.synchronize
    taken: list[float] = []
    began = ended = now()
    while _goes_on(len(taken), ended - began, longest_s):
        started = now()
        call()
        synchronize()
        ended = now()
        taken.append(ended - started)
    return taken


def _blocks(call: Call, backend: Backend, per_sample: int, longest_s: float) -> list[float]:
    """Every call of a block is waited for: a block mean is a latency, too."""
    now, synchronize = backend.now, backend.synchronize
    taken: list[float] = []
    began = ended = now()
    while _goes_on(len(taken), ended - began, longest_s):
        started = now()
        for _ in range(per_sample):
            call()
            synchronize()
        ended = now()
        taken.append((ended - started) / per_sample)
    return taken


def _goes_on(samples: int, spent: float, longest_s: float) -> bool:
    if samples and spent * (samples + 1) / samples > longest_s:
        return False
    return samples < SLOT_CALLS or spent < SLOT_S


def split_calls(call_s: float) -> int:
    """How many calls a round's parts are measured on."""
    return max(MIN_SPLIT_CALLS, min(MAX_SPLIT_CALLS, int(SPLIT_S / max(call_s, 1e-9))))


def enqueue_and_device(call: Call, backend: Backend, calls: int) -> tuple[float, float | None]:
    """Medians of the seconds until a call returns, and of those that the device took for it."""
    enqueued: list[float] = []
    on_device: list[float] = []
    events = backend.events
    for _ in range(calls):
        backend.synchronize()
        start = events.mark() if events else None
        started = backend.now()
        call()
        enqueued.append(backend.now() - started)
        end = events.mark() if events else None
        backend.synchronize()
        if events:
            on_device.append(events.between(start, end))
    return median(enqueued), median(on_device) if on_device else None


def parts(calls: Sequence[Call], backend: Backend, repeats: int) -> list[float]:
    """The median seconds of each of several calls that follow each other, each waited for."""
    taken = [[timed(call, backend) for call in calls] for _ in range(repeats)]
    return [median(column) for column in zip(*taken, strict=True)]


def back_to_back(call: Call, backend: Backend, calls: int) -> float:
    """Seconds a call where all are enqueued and one wait ends them."""
    backend.synchronize()
    started = backend.now()
    for _ in range(calls):
        call()
    backend.synchronize()
    return (backend.now() - started) / calls
