"""The whole way with torch: a file of the user's that misbehaves, and what is heard of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from nninspect.client import api, process
from nninspect.errors import Cancelled, WorkerDied

FILE = """
import os, signal, subprocess, sys, threading, time
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)
"""

FORKS_A_DAEMON = """
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(600)
os.wait()
print("forked")
"""

HANGS_IN_FORWARD = """
class Hanging(Net):
    def forward(self, x):
        print("in forward")
        while True:
            pass
"""


@pytest.fixture
async def real(
    connect: Callable[..., Awaitable[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A started real worker, in a folder with the file that the test goes on to write."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(FILE)
    return await connect(command=process.COMMAND, grace_s=5)


def extend(text: str) -> None:
    Path("net.py").write_text(FILE + text)


async def test_what_the_file_prints_is_heard_and_is_not_in_the_way(real: Any) -> None:
    extend("print('to stdout'); print('to stderr', file=sys.stderr); os.system('echo program')\n")
    inspection = await real.inspect("net.py:Net")
    assert inspection.totals.parameters == 10
    assert real.text.splitlines() == ["to stdout", "to stderr", "program"]


async def test_a_file_named_as_a_library_does_not_shadow_it(real: Any) -> None:
    for name in ("queue", "msgspec", "torchinfo", "nninspect", "typing"):
        Path(f"{name}.py").write_text("raise SystemExit('shadowed')")
    assert (await real.inspect("net.py:Net")).totals.parameters == 10


async def test_a_file_that_ends_the_process_is_reported_and_a_restart_goes_on(real: Any) -> None:
    extend("print('last words'); os._exit(7)")
    with pytest.raises(WorkerDied, match="exited with code 7") as raised:
        await real.inspect("net.py:Net")
    assert raised.value.details == "last words"
    extend("")
    await real.connection.restart()
    assert (await real.inspect("net.py:Net")).totals.parameters == 10


async def test_a_forward_that_hangs_is_cancelled_and_the_worker_goes_on(real: Any) -> None:
    extend(HANGS_IN_FORWARD)
    request = asyncio.ensure_future(real.inspect("net.py:Hanging"))
    await real.until(lambda: "in forward" in real.text)
    real.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert (await real.inspect("net.py:Net")).totals.parameters == 10
    assert len(real.heard(api.Starting)) == 1


async def test_a_daemon_that_the_file_forked_ends_with_the_worker(real: Any, marked: Any) -> None:
    extend(FORKS_A_DAEMON)
    await real.inspect("net.py:Net")
    assert len(marked.alive()) == 3
    await real.connection.close()
    assert marked.alive() == []
