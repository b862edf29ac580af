"""A device with a clock of its own: nothing sleeps, and what it was asked is written down."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from nninspect.engine.session import Session


@dataclass
class FakeDevice:
    """Plays a Backend and the forward that runs on it.

    A forward only queues its work; `synchronize` is what takes the time, as on a GPU.
    """

    costs: Iterator[float]
    time: float = 100.0
    queued: float = 0.0
    calls: int = 0
    heard: list[str] = field(default_factory=list)

    def forward(self) -> None:
        self.heard.append("forward")
        self.calls += 1
        self.queued += next(self.costs)

    def now(self) -> float:
        self.heard.append("now")
        return self.time

    def synchronize(self) -> None:
        self.heard.append("synchronize")
        self.time += self.queued
        self.queued = 0.0

    def reset_peak_memory(self) -> None:
        self.heard.append("reset")

    def peak_memory(self) -> int | None:
        self.heard.append("peak")
        return 4096


@pytest.fixture(autouse=True, scope="package")
def _libraries_are_not_garbage() -> None:
    """As in the worker: what torch made at its import is not looked through at each collection."""
    gc.collect()
    gc.freeze()


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
def device() -> Callable[[Iterator[float]], FakeDevice]:
    return FakeDevice
