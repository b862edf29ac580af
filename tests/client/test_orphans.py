"""Nothing of a worker is left, however the client, the supervisor or the worker itself ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from nninspect.client import api
from nninspect.errors import WorkerDied

CLIENT = str(Path(__file__).with_name("stub_client.py"))

LEFT_BEHIND = {
    "works": 0,
    "sleeps": 0,
    "spins": 0,
    "hangs_in_c": 0,
    "hangs_and_swallows": 0,
    "floods_forever": 0,
    "kills_its_group": 0,
    "forks_and_returns_in_the_child": 0,
    "forks": 1,
    "forks_into_its_own_session": 1,
    "forks_a_daemon": 1,
    "forks_many": 30,
    "forks_then_hangs_in_c": 30,
    "starts_programs": 4,
}
"""What the worker does, and how many processes of its own it then has."""


@contextmanager
def client(target: str, marked: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A client whose worker does what the target says, once it does."""
    process = subprocess.Popen([sys.executable, CLIENT, target], stdin=subprocess.PIPE)
    expected = 3 + LEFT_BEHIND[target]  # the client, the supervisor and the worker
    deadline = time.monotonic() + 60
    while len(marked.alive()) < expected and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    assert len(marked.alive()) >= expected
    with process:
        yield process


@pytest.mark.parametrize("target", LEFT_BEHIND)
def test_a_killed_client_leaves_nothing(marked: Any, target: str) -> None:
    with client(target, marked) as process:
        process.kill()
        process.wait()
        marked.wait_until_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV])
def test_a_client_ended_by_any_signal_leaves_nothing(marked: Any, number: signal.Signals) -> None:
    with client("forks_then_hangs_in_c", marked) as process:
        process.send_signal(number)
        process.wait()
        marked.wait_until_gone()


def test_a_client_that_leaves_without_closing_leaves_nothing(marked: Any) -> None:
    with client("forks_then_hangs_in_c", marked) as process:
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.wait(60) == 0
        marked.wait_until_gone()


async def test_a_worker_that_ends_itself_leaves_no_child_behind(
    connect: Callable[..., Awaitable[Any]], marked: Any
) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied, match="code 7"):
        await probe.inspect("forks_then_exits")
    assert marked.alive() == []


@pytest.mark.parametrize("target", ["works", "forks"])
async def test_a_killed_supervisor_takes_the_worker_and_its_session_along(
    connect: Callable[..., Awaitable[Any]], marked: Any, target: str
) -> None:
    probe = await connect()
    await probe.inspect(target)
    psutil.Process(probe.heard(api.Starting)[0].pid).kill()
    died = await probe.hear(api.Died)
    assert "SIGKILL" in died.problem.message
    await probe.until(lambda: marked.alive() == [])
