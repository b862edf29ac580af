"""The real client: a worker process, the requests under way, and what becomes of both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias

from nninspect.client import api, ending
from nninspect.client.link import Link
from nninspect.client.process import Process, spawn
from nninspect.errors import Cancelled, ProtocolError, WorkerDied
from nninspect.protocol.framing import ResponseReader, encode
from nninspect.protocol.messages import (
    VERSION,
    Bench,
    Benched,
    Cancel,
    ClientHello,
    Failed,
    Inspect,
    Inspected,
    Progress,
    Ready,
    Refused,
    Response,
    WorkerHello,
)
from nninspect.protocol.records import (
    BenchPlan,
    BenchResult,
    Environment,
    Inspection,
    Problem,
    Setup,
)

GRACE_S = 2.0
"""Seconds that a worker gets to answer a cancel, before it is killed."""


_CANCELLED = Problem.of(Cancelled("cancelled"))

_Result: TypeAlias = Inspection | BenchResult


class _Pending:
    """A request without an answer."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.answer: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self.is_cancelled = False

    def fail(self, problem: Problem) -> None:
        if not self.answer.done():
            self.answer.set_exception((_CANCELLED if self.is_cancelled else problem).error())

    def succeed(self, result: _Result) -> None:
        if not self.answer.done():
            self.answer.set_result(result)


class Connection:
    """Implements `api.Client` with a process of its own.

    Either there is a link, or a problem that says why not, or one is about to be made; requests
    wait for it then. Requests that no one cancelled outlive a worker that was killed for another.
    """

    def __init__(
        self,
        process: Process | None = None,
        *,
        spawn: Callable[[], Process] = spawn,
        grace_s: float = GRACE_S,
    ) -> None:
        """`process`: a worker that `spawn` has made already, to be the first."""
        self.environment: Environment | None = None
        self._process = process
        self._spawn = spawn
        self._grace_s = grace_s
        self._listener: api.Listener = lambda event: None
        self._link: Link | None = None
        self._problem: Problem | None = Problem.of(WorkerDied("the worker was not started"))
        self._is_closed = False
        self._is_greeted = False
        self._responses = ResponseReader()
        self._pending: dict[int, _Pending] = {}
        self._ids = itertools.count(1)
        self._changing = asyncio.Lock()
        self._endings: set[asyncio.Task[None]] = set()
        self._changes: set[asyncio.Task[None]] = set()

    async def start(self, listener: api.Listener) -> None:
        self._listener = listener
        self._open()

    async def inspect(self, setup: Setup, *, reload: bool = False) -> Inspection:
        request = Inspect(request_id=next(self._ids), setup=setup, reload=reload)
        result = await self._ask(request)
        assert isinstance(result, Inspection)
        return result

    async def bench(self, setup: Setup, plan: BenchPlan) -> BenchResult:
        result = await self._ask(Bench(request_id=next(self._ids), setup=setup, plan=plan))
        assert isinstance(result, BenchResult)
        return result

    def cancel(self) -> None:
        self._cancel(list(self._pending))

    async def restart(self) -> None:
        self._fail(list(self._pending))
        await self._replace()

    async def close(self) -> None:
        self._is_closed = True
        self._problem = Problem.of(WorkerDied("the worker was closed"))
        self._fail(list(self._pending))
        if self._process:
            self._link, self._process = Link(self._process, self), None
        self._hang_up()
        if tasks := self._endings | self._changes:
            await asyncio.wait(tasks)

    # What the link hears.

    def received(self, data: bytes) -> None:
        link = self._link
        try:
            for response in self._responses.feed(data):
                self._hear(response)
                if self._link is not link:
                    return
        except ProtocolError as error:
            self._break(Problem.of(error))

    def printed(self, text: str) -> None:
        self._listener(api.Printed(text))

    def ended(self, code: int) -> None:
        tell = ending.died if self._is_greeted else ending.never_started
        self._break(tell(code, self._link.last_lines if self._link else ""))

    def _hear(self, response: Response) -> None:
        match response:
            case WorkerHello(version):
                if version != VERSION:
                    raise _version_differs(version)
                self._is_greeted = True
            case Ready(environment):
                self.environment = environment
                self._listener(api.Ready(environment))
            case Refused(problem):
                self._break(problem)
            case Progress(request_id, stage, fraction, bench):
                pending = self._pending.get(request_id)
                if pending and not pending.is_cancelled:
                    self._listener(api.Advanced(stage, fraction, bench))
            case Inspected(request_id, result) | Benched(request_id, result):
                if pending := self._pending.pop(request_id, None):
                    pending.succeed(result)
            case Failed(request_id, problem):
                if pending := self._pending.pop(request_id, None):
                    pending.fail(problem)

    # Requests.

    async def _ask(self, request: Inspect | Bench) -> _Result:
        if self._problem:
            raise self._problem.error()
        pending = _Pending(encode(request))
        self._pending[request.request_id] = pending
        if self._link:
            self._link.write(pending.frame)
        try:
            return await pending.answer
        except asyncio.CancelledError:
            self._cancel([request.request_id])
            raise

    def _cancel(self, request_ids: Iterable[int]) -> None:
        for request_id in request_ids:
            pending = self._pending.get(request_id)
            if pending is None or pending.is_cancelled:
                continue
            pending.is_cancelled = True
            if self._link:
                self._link.write(encode(Cancel(request_id=request_id)))
            if self.environment:
                loop = asyncio.get_running_loop()
                loop.call_later(self._grace_s, self._give_up, request_id)
            else:  # not begun, so nothing of it has to be stopped
                self._fail([request_id])

    def _give_up(self, request_id: int) -> None:
        """If the worker does not heed a cancel, another takes its place."""
        if request_id in self._pending:
            self._fail([each for each, pending in self._pending.items() if pending.is_cancelled])
            _keep(self._replace(), self._changes)

    def _fail(self, request_ids: Iterable[int], problem: Problem = _CANCELLED) -> None:
        for request_id in request_ids:
            self._pending.pop(request_id).fail(problem)

    # Processes.

    def _open(self) -> None:
        if self._is_closed:
            return
        self._is_greeted = False
        self._responses = ResponseReader()
        try:
            process, self._process = self._process or self._spawn(), None
        except OSError as error:
            self._break(ending.not_spawned(error))
            return
        self._problem = None
        self._link = Link(process, self)
        self._listener(api.Starting(self._link.pid))
        for frame in (encode(ClientHello()), *(each.frame for each in self._pending.values())):
            self._link.write(frame)

    async def _replace(self) -> None:
        if self._is_closed:
            return
        self._problem = None
        async with self._changing:
            self._hang_up()
            if self._endings:  # two at once would not fit where one fills the memory
                await asyncio.wait(self._endings)
            self._open()

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        self.environment = None
        if link:
            link.hang_up()
            _keep(link.gone(), self._endings)

    def _break(self, problem: Problem) -> None:
        """This worker is of no use any more."""
        self._problem = problem
        self._hang_up()
        self._listener(api.Died(problem))
        self._fail(list(self._pending), problem)


def _keep(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Do it in the background; `tasks` holds it until it is done."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _version_differs(version: int) -> ProtocolError:
    return ProtocolError(
        f"the worker speaks version {version} of the protocol, this end {VERSION}",
        "Install the same version of nninspect on both sides.",
    )
