"""The real client: a worker process, the requests under way, and what becomes of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from nninspect.client import api, ending
from nninspect.client.asking import Asking
from nninspect.client.link import Link
from nninspect.client.pending import CANCELLED, Pending, Result
from nninspect.client.printed import Piece
from nninspect.client.process import Process, spawn
from nninspect.errors import ProtocolError, WorkerDied
from nninspect.protocol.findings import CHECKING
from nninspect.protocol.framing import ResponseReader, encode
from nninspect.protocol.messages import (
    VERSION,
    Benched,
    BenchedSoFar,
    Cancel,
    Check,
    Checked,
    CheckpointRead,
    ClientHello,
    Failed,
    Inspected,
    Progress,
    Ready,
    Refused,
    Response,
    SourceRead,
    WeightsDescribed,
    Work,
    WorkerHello,
)
from nninspect.protocol.records import Environment, Problem

OVERDUE_S = 5.0
"""Seconds that a check gets beyond its own, before its worker is killed."""
GRACE_S = 2.0
"""Seconds that a worker gets to answer a cancel, before it is killed."""


class Connection(Asking):
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
        super().__init__()
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
        self._pending: dict[int, Pending] = {}
        self._changing = asyncio.Lock()
        self._endings: set[asyncio.Task[None]] = set()
        self._changes: set[asyncio.Task[None]] = set()

    async def start(self, listener: api.Listener) -> None:
        self._listener = listener
        self._open()

    def cancel(self, *, trace: bool = False) -> None:
        self._cancel(list(self._pending), trace=trace)

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

    def printed(self, piece: Piece) -> None:
        stream: api.Stream = "stderr" if piece.is_stderr else "stdout"
        self._listener(api.Printed(piece.text, stream, piece.dropped))

    def ended(self, code: int) -> None:
        tell = ending.died if self._is_greeted else ending.never_started
        problem = tell(code, self._link.last_lines if self._link else "")
        if not self._looks_again(problem):
            self._break(problem)

    def _looks_again(self, problem: Problem) -> bool:
        """Whether a new worker shows where the last one died, in the request it was at."""
        running = next(iter(self._pending.values()), None)
        position = self._link.position if self._link else None
        if running is None:
            return False
        if running.cut_short(problem):
            del self._pending[running.request.request_id]
            self._listener(api.Printed(f"{problem.message}; the finished rounds are kept\n"))
        elif running.benches_again(problem):
            self._listener(api.Printed(f"{problem.message}; timing the others\n"))
        elif running.checks_again(problem):
            self._listener(api.Printed(f"{problem.message}; looking without what it died in\n"))
        elif running.repeats_after_death(position, problem):
            self._say_again(problem)
        else:
            return False
        _keep(self._replace(), self._changes)
        return True

    def _say_again(self, problem: Problem) -> None:
        self._listener(api.Printed(f"{problem.message}; looking again, up to there\n", "worker"))

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
                if pending := self._pending.get(request_id):
                    pending.bench.at, pending.bench.stage = bench, stage
                    self._bound(pending, stage)
                    if not pending.is_cancelled:
                        self._listener(api.Advanced(stage, fraction, bench))
            case BenchedSoFar(request_id, result):
                if pending := self._pending.get(request_id):
                    pending.bench.so_far = result
            case (
                Inspected(request_id, result)
                | Benched(request_id, result)
                | WeightsDescribed(request_id, result)
                | SourceRead(request_id, result)
                | Checked(request_id, result)
                | CheckpointRead(request_id, result)
            ):
                if pending := self._pending.pop(request_id, None):
                    pending.succeed(result)
            case Failed(request_id, problem):
                self._hear_failure(request_id, problem)

    def _bound(self, pending: Pending, stage: str) -> None:
        """From its first rule on, a check whose model swallows every time-out is given up here."""
        request = pending.request
        if not isinstance(request, Check) or pending.deadline or not stage.startswith(CHECKING):
            return
        loop, longest = asyncio.get_running_loop(), request.plan.seconds + OVERDUE_S
        pending.deadline = loop.call_later(longest, self._overdue, request.request_id, longest)

    def _overdue(self, request_id: int, seconds: float) -> None:
        pending = self._pending.get(request_id)
        problem = Problem.of(WorkerDied(f"the worker did not come back within {seconds:g} s"))
        if pending is not None and pending.checks_again(problem):
            self._listener(api.Printed(f"{problem.message}; looking without running it so far\n"))
            _keep(self._replace(), self._changes)

    def _hear_failure(self, request_id: int, problem: Problem) -> None:
        pending = self._pending.get(request_id)
        if pending is None:
            return
        if self._link and pending.is_cancelled and pending.repeats_after_cancel():
            self._pending[request_id] = self._pending.pop(request_id)  # now the worker's last
            self._link.write(pending.frame)
        else:
            self._fail([request_id], problem)

    # Requests.

    async def _ask(self, request: Work) -> Result:
        if self._problem:
            raise self._problem.error()
        pending = Pending(request)
        self._pending[request.request_id] = pending
        if self._link:
            self._link.write(pending.frame)
        try:
            return await pending.answer
        except asyncio.CancelledError:
            self._cancel([request.request_id])
            raise

    def _cancel(self, request_ids: Iterable[int], *, trace: bool = False) -> None:
        position = self._link.position if trace and self._link else None
        for request_id in request_ids:
            pending = self._pending.get(request_id)
            if pending is None:
                continue
            if pending.is_cancelled:
                pending.wants_no_trace(unless=trace)
                continue
            pending.cancel(position if pending is next(iter(self._pending.values())) else None)
            if self._link:
                self._link.write(encode(Cancel(request_id=request_id)))
            if self.environment:
                loop = asyncio.get_running_loop()
                pending.deadline = loop.call_later(self._grace_s, self._give_up, request_id)
            else:  # not begun, so nothing of it has to be stopped
                self._fail([request_id])

    def _give_up(self, request_id: int) -> None:
        """If the worker does not heed a cancel, another takes its place."""
        if request_id in self._pending:
            cancelled = [each for each in self._pending.items() if each[1].is_cancelled]
            for key, each in cancelled:
                each.is_given_up = True
                if each.cut_short(None):
                    del self._pending[key]
                elif not each.repeats_after_cancel():
                    self._fail([key])
            _keep(self._replace(), self._changes)

    def _fail(self, request_ids: Iterable[int], problem: Problem = CANCELLED) -> None:
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
