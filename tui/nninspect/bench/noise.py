"""What the machine does beside the measurement: a canary, waiting for cores, a lowered clock."""

from __future__ import annotations

import contextlib
import time
from bisect import insort
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import NamedTuple

CANARY_STEPS = 8_000
"""Additions in one canary: about a quarter of a millisecond."""

CANARY_REPEATS = 5
"""The median of so many is one reading: a single interrupt is not a shared core."""


class Canary:
    """A fixed Python loop. It slows down when the core is shared or its clock is lowered.

    Its numbers are all small ones, which Python keeps: to make others takes a fifth longer in one
    process than in the next, and from one moment to another, by where memory happens to be free.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._readings: list[float] = []
        self.seconds()

    @property
    def fastest(self) -> float:
        """What others of the run are compared with: a tenth are as fast. A single lucky reading is
        no measure of what the core can do all the time."""
        return self._readings[len(self._readings) // 10]

    def seconds(self) -> float:
        """One reading."""
        found = median(self._once() for _ in range(CANARY_REPEATS))
        insort(self._readings, found)
        return found

    def _once(self) -> float:
        started = self._now()
        number = 0
        for _ in repeat(None, CANARY_STEPS):
            number = (number + 7) & 127
        return self._now() - started


class RunQueue(NamedTuple):
    """Seconds that this process's threads ran, and that they waited for a core."""

    ran_s: float
    waited_s: float


def run_queue(tasks: Path = Path("/proc/self/task")) -> RunQueue | None:
    """Of every thread since it began; None where the kernel does not tell (not Linux)."""
    ran = waited = 0
    found = False
    with contextlib.suppress(OSError):
        for task in tasks.iterdir():
            with contextlib.suppress(OSError, ValueError):  # the thread has just ended
                ran_ns, waited_ns, _ = (task / "schedstat").read_text().split()
                ran, waited, found = ran + int(ran_ns), waited + int(waited_ns), True
    return RunQueue(ran / 1e9, waited / 1e9) if found else None


def waited_share(before: RunQueue | None, after: RunQueue | None) -> float | None:
    """Of the time that threads wanted to run, the share that they waited. A thread that ended
    meanwhile takes its time along, so never below 0."""
    if before is None or after is None:
        return None
    waited = max(0.0, after.waited_s - before.waited_s)
    wanted = max(0.0, after.ran_s - before.ran_s) + waited
    return waited / wanted if wanted else 0.0


def cpu_throttles(cpus: Path = Path("/sys/devices/system/cpu")) -> int | None:
    """How often a core lowered its clock for heat since the machine started; None where it does
    not tell."""
    counts = [
        int(each.read_text())
        for each in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    return sum(counts) if counts else None
