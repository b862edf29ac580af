"""A check that the worker dies or hangs in: another looks without what it ended in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nninspect.client import api, connection
from nninspect.errors import Cancelled, WorkerDied
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.records import Setup

Connect = Callable[..., Awaitable[Any]]


def check(probe: Any, target: str, seconds: float = 60.0) -> asyncio.Future[CheckResult]:
    asked = probe.connection.check(Setup(target=target), CheckPlan(seconds=seconds))
    return asyncio.ensure_future(asked)


@pytest.mark.parametrize(
    ("target", "how"),
    [
        ("segfaults", "the process was killed by SIGSEGV (segmentation fault)"),
        ("exits", "the process exited with code 7 (something called os._exit or sys.exit)"),
    ],
)
async def test_a_check_is_made_again_without_what_the_worker_died_in(
    connect: Connect, target: str, how: str
) -> None:
    probe = await connect()
    assert (await check(probe, target)).title == how
    assert len(probe.heard(api.Starting)) == 2
    assert "looking without what it died in" in probe.text


async def test_the_third_death_is_the_answer(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied, match="SIGKILL"):
        await check(probe, "is_killed_always")
    assert len(probe.heard(api.Starting)) == 3


async def test_a_model_that_swallows_every_time_out_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OVERDUE_S", 0.1)
    probe = await connect()
    result = await check(probe, "hangs_and_swallows", seconds=0.1)
    assert result.title == "the process did not come back within 0.2 s"


async def test_a_cancelled_check_is_not_made_again(connect: Connect) -> None:
    probe = await connect()
    request = check(probe, "hangs_and_swallows")
    await probe.until(lambda: "hanging" in probe.text)
    probe.connection.cancel()
    with pytest.raises(Cancelled):
        await request
