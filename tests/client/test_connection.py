"""Requests, cancels and restarts over a real process, and what is said when it dies."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nninspect.client import api, link, process
from nninspect.client.connection import Connection
from nninspect.errors import (
    Cancelled,
    NninspectError,
    ProtocolError,
    WorkerDied,
    WorkerMissing,
)
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.messages import VERSION, ClientHello
from nninspect.protocol.records import Setup

Connect = Callable[..., Awaitable[Any]]

PLAN = BenchPlan(devices=("cpu",), batches=(1,))


async def hang(probe: Any) -> None:
    """Until the worker is in a request that nothing interrupts."""
    await probe.until(lambda: "hanging" in probe.text)
    await asyncio.sleep(0.1)


async def test_a_request_made_before_the_worker_is_ready_waits_for_it(connect: Connect) -> None:
    probe = await connect("slow")
    assert probe.connection.environment is None
    assert (await probe.inspect("works")).title == "works"
    assert [type(event) for event in probe.events[:2]] == [api.Starting, api.Ready]
    assert probe.connection.environment == probe.heard(api.Ready)[0].environment


async def test_requests_are_answered_in_turn_each_with_its_own(connect: Connect) -> None:
    probe = await connect()
    setup = Setup(target="works")
    first, bench, last = await asyncio.gather(
        probe.inspect("works"), probe.connection.bench(setup, PLAN), probe.inspect("prints")
    )
    assert (first.title, bench.setup, last.title) == ("works", setup, "prints")


async def test_the_stages_of_a_request_are_heard_in_order(connect: Connect) -> None:
    probe = await connect()
    await probe.inspect("works")
    assert [event.stage for event in probe.heard(api.Advanced)] == ["step 0", "step 1", "step 2"]


async def test_what_was_printed_is_heard_before_the_answer(connect: Connect) -> None:
    probe = await connect()
    await probe.inspect("prints")
    assert probe.text == "to stdout\nto stderr\nwithout an end of line"


async def test_bytes_that_are_not_text_are_replaced_and_not_fatal(connect: Connect) -> None:
    probe = await connect()
    await probe.inspect("prints_bytes")
    assert probe.text == "\ufffd\ufffd ok ✓ \x1b[31mred\n"


async def test_a_flood_of_text_is_bounded_and_what_was_dropped_is_counted(
    connect: Connect,
) -> None:
    probe = await connect()
    await probe.inspect("floods")
    await probe.until(lambda: "bytes dropped]" in probe.text)
    assert len(probe.text) < 1_000_000


async def test_the_loop_stays_quick_while_the_worker_floods_it(connect: Connect) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect("floods_forever"))
    await probe.hear(api.Printed)
    busy = []
    for _ in range(30):
        begun = time.process_time()
        await asyncio.sleep(0.01)
        busy.append(time.process_time() - begun)
    probe.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert sorted(busy)[15] < 0.01


async def test_a_big_answer_comes_whole(connect: Connect) -> None:
    probe = await connect()
    assert (await probe.inspect("is_big")).title == "x" * 20_000_000


async def test_an_answer_over_the_limit_fails_alone(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(ProtocolError, match="over the limit"):
        await probe.inspect("is_too_big")
    assert (await probe.inspect("works")).title == "works"


async def test_a_worker_that_does_not_read_blocks_nothing(connect: Connect) -> None:
    probe = await connect()
    await probe.hear(api.Ready)
    hung = asyncio.ensure_future(probe.inspect("hangs_in_c"))
    more = [asyncio.ensure_future(probe.inspect("works" + " " * 100_000)) for _ in range(20)]
    await hang(probe)
    probe.connection.cancel()
    results = await asyncio.gather(hung, *more, return_exceptions=True)
    assert {type(result) for result in results} == {Cancelled}


# How a worker dies.


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("exits", "the worker exited with code 7 (something called os._exit or sys.exit)"),
        ("exits_with_zero", "the worker exited with code 0 (something called os._exit"),
        ("is_killed", "the worker was killed by SIGKILL: most often out of memory"),
        ("segfaults", "the worker was killed by SIGSEGV (segmentation fault)"),
        ("aborts", "the worker was killed by SIGABRT (aborted)"),
    ],
)
async def test_the_cause_of_a_death_is_told_to_the_request_and_the_listener(
    connect: Connect, target: str, said: str
) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied) as raised:
        await probe.inspect(target)
    assert raised.value.message.startswith(said)
    assert "Restart the worker" in raised.value.hint
    assert probe.problem.message == raised.value.message
    assert probe.connection.environment is None


async def test_a_death_comes_with_the_last_lines(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied) as raised:
        await probe.inspect("exits")
    assert raised.value.details == "before the end"
    assert probe.text == "before the end\n"


async def test_a_segfault_comes_with_the_line_of_python_it_was_in(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(WorkerDied) as raised:
        await probe.inspect("segfaults")
    assert "in segfaults" in raised.value.details


async def test_sys_exit_in_the_engine_is_not_the_end_of_the_worker(connect: Connect) -> None:
    probe = await connect()
    with pytest.raises(NninspectError, match="nninspect itself failed: SystemExit: 5"):
        await probe.inspect("calls_sys_exit")
    assert (await probe.inspect("works")).title == "works"


async def test_after_a_death_every_request_is_told_of_it_until_the_restart(
    connect: Connect,
) -> None:
    probe = await connect()
    for _ in range(2):
        with pytest.raises(WorkerDied, match="code 7"):
            await probe.inspect("exits")
    await probe.connection.restart()
    assert (await probe.inspect("works")).title == "works"
    assert len(probe.heard(api.Died)) == 1


async def test_a_death_fails_the_requests_that_wait_too(connect: Connect) -> None:
    probe = await connect()
    requests = [probe.inspect(target) for target in ("exits", "works", "works")]
    results = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(result) for result in results] == [WorkerDied] * 3


async def test_a_worker_that_dies_before_it_is_ready_is_a_death(connect: Connect) -> None:
    probe = await connect("die")
    with pytest.raises(WorkerDied, match="code 9"):
        await probe.inspect("works")


async def test_a_refusal_keeps_its_kind_and_its_hint(connect: Connect) -> None:
    probe = await connect("refuse")
    with pytest.raises(WorkerMissing, match="torch is not installed") as raised:
        await probe.inspect("works")
    assert raised.value.hint == "Type: pip install torch"
    assert probe.problem.kind == "WorkerMissing"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/nowhere/python",), "No such file or directory"),
        ((*process.COMMAND, "/nowhere/python"), "/nowhere/python: No such file or directory"),
        ((sys.executable, "-c", "import no_such_module"), "No module named 'no_such_module'"),
        ((sys.executable, "-c", ""), "it exited with code 0"),
    ],
)
async def test_a_worker_that_can_not_be_started_is_missing(
    connect: Connect, command: tuple[str, ...], said: str
) -> None:
    probe = await connect(command=command)
    await probe.hear(api.Died)
    assert probe.problem.kind == "WorkerMissing"
    assert said in probe.problem.message
    with pytest.raises(WorkerMissing):
        await probe.inspect("works")


async def test_something_else_than_a_worker_is_a_protocol_error_and_is_ended(
    connect: Connect, marked: Any
) -> None:
    probe = await connect(command=(*process.COMMAND, "yes"))
    await probe.hear(api.Died)
    assert probe.problem.kind == "ProtocolError"
    marked.wait_until_gone()


async def test_junk_in_the_protocol_ends_the_worker(connect: Connect, marked: Any) -> None:
    probe = await connect()
    with pytest.raises(ProtocolError, match="could not be decoded"):
        await probe.inspect("writes_junk")
    marked.wait_until_gone()


async def test_a_worker_of_another_version_is_refused(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nninspect.client.connection.VERSION", 99)
    probe = await connect()
    with pytest.raises(
        ProtocolError, match=f"speaks version {VERSION} of the protocol, this end 99"
    ):
        await probe.inspect("works")


async def test_a_client_of_another_version_is_refused_by_the_worker(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = ClientHello(version=99)
    monkeypatch.setattr("nninspect.client.connection.ClientHello", lambda: newer)
    probe = await connect("slow")
    with pytest.raises(ProtocolError, match=f"the client speaks protocol 99, the worker {VERSION}"):
        await probe.inspect("works")


# Cancel, restart, close.


@pytest.mark.parametrize("target", ["spins", "sleeps"])
async def test_a_cancel_stops_the_request_and_keeps_the_worker(
    connect: Connect, target: str
) -> None:
    probe = await connect(grace_s=10)
    request = asyncio.ensure_future(probe.inspect(target))
    await probe.hear(api.Advanced)
    probe.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert (await probe.inspect("works")).title == "works"
    assert len(probe.heard(api.Starting)) == 1


@pytest.mark.parametrize("target", ["hangs_in_c", "hangs_and_swallows", "forks_then_hangs_in_c"])
async def test_a_cancel_that_is_not_heeded_replaces_the_worker(
    connect: Connect, target: str
) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect(target))
    await hang(probe)
    probe.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert (await probe.inspect("works")).title == "works"
    assert len(probe.heard(api.Starting)) == 2
    assert probe.heard(api.Died) == []


async def test_cancelling_twice_replaces_the_worker_once(connect: Connect) -> None:
    probe = await connect()
    requests = [asyncio.ensure_future(probe.inspect("hangs_in_c")) for _ in range(3)]
    await hang(probe)
    probe.connection.cancel()
    await asyncio.sleep(0.05)
    probe.connection.cancel()
    results = await asyncio.gather(*requests, return_exceptions=True)
    assert {type(result) for result in results} == {Cancelled}
    await probe.inspect("works")
    assert len(probe.heard(api.Starting)) == 2


async def test_a_request_after_the_cancelled_one_is_carried_to_the_new_worker(
    connect: Connect,
) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect("hangs_in_c"))
    await hang(probe)
    probe.connection.cancel()
    assert (await probe.inspect("works")).title == "works"
    with pytest.raises(Cancelled):
        await request


async def test_a_task_that_is_cancelled_takes_its_request_along(connect: Connect) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect("hangs_in_c"))
    await hang(probe)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert (await probe.inspect("works")).title == "works"


async def test_a_request_cancelled_before_the_worker_is_ready_keeps_the_worker(
    connect: Connect,
) -> None:
    probe = await connect("slow", grace_s=0.01)
    request = asyncio.ensure_future(probe.inspect("exits"))
    await asyncio.sleep(0.1)
    probe.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert (await probe.inspect("works")).title == "works"
    assert len(probe.heard(api.Starting)) == 1


async def test_a_cancel_with_nothing_under_way_does_nothing(connect: Connect) -> None:
    probe = await connect(grace_s=0.01)
    await probe.inspect("works")
    probe.connection.cancel()
    await asyncio.sleep(0.05)
    assert (await probe.inspect("works")).title == "works"
    assert len(probe.heard(api.Starting)) == 1


@pytest.mark.parametrize("target", ["works", "hangs_in_c", "floods_forever", "forks_many"])
async def test_a_restart_gives_a_new_worker_whatever_the_old_one_does(
    connect: Connect, target: str
) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect(target))
    await probe.hear(api.Advanced, count=3)
    await probe.connection.restart()
    await asyncio.gather(request, return_exceptions=True)
    assert (await probe.inspect("works")).title == "works"
    assert probe.heard(api.Ready)[0] != probe.heard(api.Ready)[1]
    assert probe.heard(api.Died) == []


async def test_restarts_at_once_leave_one_worker(connect: Connect, marked: Any) -> None:
    probe = await connect()
    await asyncio.gather(*(probe.connection.restart() for _ in range(3)))
    assert (await probe.inspect("works")).title == "works"
    assert len(marked.alive()) == 2  # the supervisor and the worker


async def test_close_ends_all_and_can_be_called_twice(connect: Connect, marked: Any) -> None:
    probe = await connect()
    request = asyncio.ensure_future(probe.inspect("forks_then_hangs_in_c"))
    await hang(probe)
    await probe.connection.close()
    with pytest.raises(Cancelled):
        await request
    assert marked.alive() == []
    await probe.connection.close()
    with pytest.raises(WorkerDied, match="closed"):
        await probe.inspect("works")
    assert probe.heard(api.Died) == []


async def test_close_in_the_middle_of_a_restart_leaves_nothing(
    connect: Connect, marked: Any
) -> None:
    probe = await connect()
    restart = asyncio.ensure_future(probe.connection.restart())
    await asyncio.sleep(0)
    await probe.connection.close()
    await restart
    assert marked.alive() == []


async def test_a_worker_that_was_started_early_is_taken_over(connect: Connect, stub: Any) -> None:
    events: list[api.Event] = []
    early = process.spawn(stub())
    connection = Connection(early)
    await connection.start(events.append)
    assert events == [api.Starting(early.pid)]
    assert (await connection.inspect(Setup(target="works"))).title == "works"
    await connection.close()


async def test_a_worker_that_was_started_early_and_never_used_is_ended(
    marked: Any, stub: Any
) -> None:
    connection = Connection(process.spawn(stub()))
    await connection.close()
    assert marked.alive() == []


async def test_a_connection_that_was_not_started_says_so() -> None:
    with pytest.raises(WorkerDied, match="not started"):
        await Connection().inspect(Setup(target="works"))


async def test_all_works_where_there_is_no_pidfd(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(link.os, "pidfd_open")
    probe = await connect()
    with pytest.raises(WorkerDied, match="SIGSEGV"):
        await probe.inspect("segfaults")
    await probe.connection.restart()
    assert (await probe.inspect("works")).title == "works"


async def test_no_descriptor_is_left_open(connect: Connect) -> None:
    before = len(os.listdir("/proc/self/fd"))
    probe = await connect()
    for _ in range(3):
        await probe.inspect("works")
        await probe.connection.restart()
    await probe.connection.close()
    assert len(os.listdir("/proc/self/fd")) <= before
