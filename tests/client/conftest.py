"""Connections to a real process without torch, and a look at which processes are left."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nninspect.client import api, process
from nninspect.client.connection import Connection
from nninspect.protocol.records import Inspection, Problem, Setup

STUB = str(Path(__file__).with_name("stub_worker.py"))
MARK = "NNINSPECT_TEST_MARK"
PATIENCE_S = 60.0


def stub(*options: str) -> tuple[str, ...]:
    """The command of a supervised stub worker."""
    return (*process.COMMAND, sys.executable, "-P", STUB, *options)


class Probe:
    """A connection and all that it told its listener."""

    def __init__(self, command: tuple[str, ...], grace_s: float) -> None:
        self.events: list[api.Event] = []
        self.connection = Connection(
            spawn=functools.partial(process.spawn, command), grace_s=grace_s
        )

    async def start(self) -> None:
        await self.connection.start(self.events.append)

    async def inspect(self, target: str) -> Inspection:
        return await self.connection.inspect(Setup(target=target))

    def heard(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def hear(self, kind: type[Any], *, count: int = 1) -> Any:
        """The event of that kind, once so many came."""
        await self.until(lambda: len(self.heard(kind)) >= count)
        return self.heard(kind)[count - 1]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.heard(api.Printed))

    @property
    def problem(self) -> Problem:
        [died] = self.heard(api.Died)
        return died.problem


class Marked:
    """The processes of one test, found by a variable that all of them inherit."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def alive(self) -> list[psutil.Process]:
        return [found for found in psutil.process_iter() if self._has_mark(found)]

    def _has_mark(self, found: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            return found.pid != os.getpid() and found.environ().get(MARK) == self.mark
        return False

    def wait_until_gone(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while left := self.alive():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.01)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Marked]:
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    found = Marked(mark)
    yield found
    for left in found.alive():
        left.kill()


@pytest.fixture
async def connect(marked: Marked) -> AsyncIterator[Callable[..., Any]]:
    """Starts stub workers; whatever a test does with them, nothing of them is left after it."""
    probes: list[Probe] = []

    async def start(
        *options: str, command: tuple[str, ...] | None = None, grace_s: float = 0.3
    ) -> Probe:
        probes.append(Probe(command or stub(*options), grace_s))
        await probes[-1].start()
        return probes[-1]

    yield start
    for probe in probes:
        await probe.connection.close()
    assert marked.alive() == []


@pytest.fixture(name="stub")
def _stub() -> Callable[..., tuple[str, ...]]:
    return stub
