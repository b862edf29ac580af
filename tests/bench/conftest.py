"""A device with a clock of its own: nothing sleeps, and what it was asked is written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from nninspect.bench.backend import Peak
from nninspect.bench.noise import RunQueue
from nninspect.bench.nvml import Health
from nninspect.engine.session import Session


class Virtual:
    """Plays a Backend and the calls on it: a host clock, and a queue a stream behind it.

    A call is many small kernels: the host takes `enqueue_s` to queue them, the device takes
    `device_s` to run them, each as soon as it was queued and the one before it is done.
    """

    KERNELS = 500
    queues = True

    def __init__(self, enqueue_s: float = 1e-3, device_s: float = 10e-3) -> None:
        self.enqueue_s, self.device_s = enqueue_s, device_s
        self.h2d_s, self.d2h_s = 3e-3, 2e-3
        self.cold_calls = 0
        """So many first calls take three times as long."""
        self.throttles_after = math.inf
        """From this call on, everything on the device takes half as long again."""
        self.fails_at = math.inf
        self.error: BaseException = RuntimeError("played")
        self.host = 100.0
        self.free_at = {"main": 0.0, "other": 0.0}
        self.calls = 0

    def call(self) -> None:
        self.calls += 1
        if self.calls >= self.fails_at:
            raise self.error
        slow = 3.0 if self.calls <= self.cold_calls else 1.0
        slow *= 1.5 if self.calls >= self.throttles_after else 1.0
        for _ in range(self.KERNELS):
            self.host += self.enqueue_s / self.KERNELS
            started = max(self.host, self.free_at["main"])
            self.free_at["main"] = started + slow * self.device_s / self.KERNELS

    def send(self) -> None:
        self.synchronize()
        self.host += self.h2d_s

    def send_pinned(self) -> None:
        self.free_at["main"] = max(self.host, self.free_at["main"]) + self.h2d_s / 2

    def fetch(self) -> None:
        self.synchronize()
        self.host += self.d2h_s

    def end_to_end(self) -> None:
        self.send()
        self.call()
        self.fetch()

    def now(self) -> float:
        return self.host

    def synchronize(self) -> None:
        self.host = max(self.host, *self.free_at.values())

    @property
    def events(self) -> Virtual | None:
        return self

    def mark(self) -> float:
        return self._mark("main")

    def _mark(self, stream: str) -> float:
        return max(self.host, self.free_at[stream])

    def between(self, start: float, end: float) -> float:
        return end - start

    def reset_peak(self) -> None:
        return

    def allocated(self) -> int:
        return 1000

    def peak(self) -> Peak | None:
        return Peak(1500, 4096)

    def free_bytes(self) -> int | None:
        return 10_000

    def health(self) -> Health:
        return Health(reasons=("heat",) if self.calls >= self.throttles_after else ())


class Quiet:
    """A machine with nobody else on it, or with what `canaries` say, one reading each."""

    fastest = 1.0

    def __init__(self, *canaries: float) -> None:
        self.canaries = iter(canaries)
        self.run_out: Iterator[int] = iter(())
        """How often a quota ran out, before and after each attempt."""

    def canary(self) -> float:
        return next(self.canaries, 1.0)

    def run_queue(self) -> RunQueue | None:
        return None

    def quotas_run_out(self) -> int:
        return next(self.run_out, 0)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Write a file into the user's folder, which is where commands are typed."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session()
    yield session
    session.drop()


@pytest.fixture
def virtual() -> type[Virtual]:
    return Virtual


@pytest.fixture
def quiet_machine() -> type[Quiet]:
    return Quiet
