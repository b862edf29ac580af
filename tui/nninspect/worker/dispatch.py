"""Carries requests out, one after another, and answers every one of them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from nninspect.checkpoint.read import read
from nninspect.errors import NninspectError, ProtocolError
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchProgress, Key
from nninspect.protocol.messages import (
    Bench,
    Benched,
    BenchedSoFar,
    Check,
    Checked,
    CheckpointRead,
    DescribeWeights,
    Failed,
    Inspect,
    Inspected,
    Progress,
    ReadCheckpoint,
    ReadSource,
    Response,
    SourceRead,
    WeightsDescribed,
    Work,
)
from nninspect.protocol.records import Problem
from nninspect.worker.cancel import Cancels
from nninspect.worker.engine import Engine

PROGRESS_S = 0.1
"""Seconds between two reports of the same stage, at least."""

Send: TypeAlias = Callable[[Response], None]


class Dispatcher:
    """Requests in; exactly one answer to each out, whatever the user's code does."""

    def __init__(
        self,
        engine: Engine,
        send: Send,
        cancels: Cancels,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._send = send
        self._cancels = cancels
        self._clock = clock

    def handle(self, request: Work) -> None:
        """Carry one request out and answer it. To be called in the main thread."""
        try:
            answer = self._cancels.run(
                request.request_id,
                lambda: self._carry_out(request),
                keeps_part=isinstance(request, Bench),
            )
        except NninspectError as error:
            answer = _failed(request, error)
        except BaseException as error:  # a request is always answered, or its client waits
            answer = _failed(request, _own_failure(error))
        try:
            self._send(answer)
        except ProtocolError as error:
            self._send(_failed(request, error))

    def _carry_out(self, request: Work) -> Response:
        report = _Throttle(request.request_id, self._send, self._cancels, self._clock)
        match request:
            case Inspect(request_id, setup, reload, deaths):
                inspection = self._engine.session.inspect(
                    setup, reload=reload, progress=report, deaths=deaths
                )
                return Inspected(request_id=request_id, inspection=inspection)
            case Bench(request_id, setup, plan):
                result = self._engine.bench(
                    self._engine.session, setup, plan, report, self._keeper(request_id)
                )
                return Benched(request_id=request_id, result=result)
            case DescribeWeights(request_id, setup, path, below):
                tensors = self._engine.session.weights(setup, path, below, report)
                return WeightsDescribed(request_id=request_id, tensors=tensors)
            case ReadSource(request_id, setup, path):
                source = self._engine.session.source(setup, path, report)
                return SourceRead(request_id=request_id, source=source)
            case Check(request_id, setup, plan):
                found = self._engine.check(self._engine.session, setup, plan, report)
                return Checked(request_id=request_id, result=found)
            case ReadCheckpoint(request_id, path):
                report("reading the header")
                return CheckpointRead(request_id=request_id, checkpoint=read(path))

    def _keeper(self, request_id: int) -> Callable[[BenchResult], None]:
        """Sends what a benchmark has so far; should the process die, the client has it."""

        def keep(result: BenchResult) -> None:
            message = BenchedSoFar(request_id=request_id, result=result)
            with suppress(ProtocolError):  # too large: so will be the answer, which then says so
                self._cancels.hold(lambda: self._send(message))

        return keep


class _Throttle:
    """Sends the progress of one request: every new stage or configuration, and the same one at
    most so often."""

    def __init__(
        self, request_id: int, send: Send, cancels: Cancels, clock: Callable[[], float]
    ) -> None:
        self._request_id = request_id
        self._send = send
        self._cancels = cancels
        self._clock = clock
        self._place: tuple[str, Key | None] | None = None
        self._due = 0.0

    def __call__(
        self,
        stage: str,
        fraction: float | None = None,
        bench: BenchProgress | None = None,
    ) -> None:
        self._cancels.check()
        place = (stage, None if bench is None else bench.key)
        if place == self._place and self._clock() < self._due:
            return
        self._place, self._due = place, self._clock() + PROGRESS_S
        progress = Progress(
            request_id=self._request_id, stage=stage, fraction=fraction, bench=bench
        )
        self._cancels.hold(lambda: self._send(progress))


def _failed(request: Work, error: NninspectError) -> Failed:
    return Failed(request_id=request.request_id, problem=Problem.of(error))


def _own_failure(error: BaseException) -> NninspectError:
    """What a user's model can raise is wrapped where it is called, so this is our mistake."""
    what = "".join(traceback.format_exception_only(error)).strip()
    return NninspectError(
        f"nninspect itself failed: {what}",
        "Please report it together with the traceback.",
        details="".join(traceback.format_exception(error)),
    )
