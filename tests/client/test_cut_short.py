"""A benchmark that the worker dies or hangs in: what is measured stays, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nninspect.client import api
from nninspect.errors import Cancelled, WorkerDied
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.records import Setup

Connect = Callable[..., Awaitable[Any]]

PLAN = BenchPlan(devices=("cpu",), batches=(1, 8))


def bench(probe: Any, target: str, plan: BenchPlan = PLAN) -> asyncio.Future[BenchResult]:
    return asyncio.ensure_future(probe.connection.bench(Setup(target=target), plan))


async def at_batch_8(probe: Any, rounds: int) -> None:
    """Until the worker is in the configuration that it does not come back from."""
    await probe.until(
        lambda: any(
            event.bench and (event.bench.key.batch, event.bench.round) == (8, rounds)
            for event in probe.heard(api.Advanced)
        )
    )
    await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("target", "how"),
    [
        ("is_killed", "the process was killed by SIGKILL: most often out of memory"),
        ("segfaults", "the process was killed by SIGSEGV (segmentation fault)"),
        ("exits", "the process exited with code 7 (something called os._exit or sys.exit)"),
    ],
)
async def test_what_the_worker_dies_in_before_a_round_is_a_row_and_the_others_are_timed(
    connect: Connect, target: str, how: str
) -> None:
    probe = await connect()
    fine, dead = (await bench(probe, target)).rows
    assert fine.error is None
    assert dead.error is not None
    assert (dead.error.kind, dead.error.stage) == ("Died", "first call")
    assert dead.error.message == how
    assert len(probe.heard(api.Starting)) == 2
    assert "timing the others" in probe.text


async def test_a_death_in_a_later_round_keeps_those_that_were_over(connect: Connect) -> None:
    probe = await connect()
    result = await bench(probe, "is_killed_later")
    assert result.stopped == "died"
    assert result.cut_short.endswith("out of memory in round 2 of cpu, batch 8")
    fine, dead = result.rows
    assert fine.error is None
    assert dead.error is not None
    assert (dead.error.kind, dead.error.stage) == ("Died", "rounds")
    assert (await probe.inspect("works")).title == "works", "another worker goes on"


async def test_a_death_at_no_configuration_is_the_workers_own(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied):
        await bench(probe, "segfaults", BenchPlan())


async def test_a_hang_is_cancelled_and_the_rounds_that_were_over_stay(connect: Connect) -> None:
    probe = await connect(grace_s=0.2)
    request = bench(probe, "hangs_in_c_later")
    await at_batch_8(probe, rounds=1)
    probe.connection.cancel()
    result = await request
    assert result.stopped == "cancelled"
    assert result.cut_short == "it did not heed the cancel in round 2 of cpu, batch 8"
    assert len(result.rows) == 2


async def test_a_hang_in_the_first_calls_says_in_which(connect: Connect) -> None:
    probe = await connect(grace_s=0.2)
    request = bench(probe, "hangs_in_c")
    await at_batch_8(probe, rounds=0)
    probe.connection.cancel()
    with pytest.raises(Cancelled, match="in the first calls of cpu, batch 8") as raised:
        await request
    assert "without it" in raised.value.hint
