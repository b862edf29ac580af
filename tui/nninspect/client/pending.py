"""A request without an answer: sent, cancelled, or to be sent once more to see where it ended."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import msgspec

from nninspect.client import ending
from nninspect.errors import Cancelled
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.findings import CheckResult
from nninspect.protocol.flight import Position
from nninspect.protocol.framing import encode
from nninspect.protocol.messages import Inspect, Work
from nninspect.protocol.records import Inspection, Problem
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

Result: TypeAlias = Inspection | BenchResult | CheckResult | tuple[TensorStats, ...] | Source

CANCELLED = Problem.of(Cancelled("cancelled"))


class Pending:
    """A request, and who waits for its answer.

    An Inspect that ends in a forward without an answer is sent once more, with the place that it
    got to: the forward stops there, so that all up to it is seen. Each stage of a look is given
    one such repetition; a second death in it is the answer.
    """

    def __init__(self, request: Work) -> None:
        self.request = request
        self.answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.is_cancelled = False
        self.deadline: asyncio.TimerHandle | None = None
        """When a worker that does not heed the cancel is given up."""
        self._stopped_at: Position | None = None

    @property
    def frame(self) -> bytes:
        return encode(self.request)

    def cancel(self, position: Position | None) -> None:
        """It is to stop. What is known up to the position is wanted all the same; None: nothing."""
        self.is_cancelled = True
        self._stopped_at = position

    def wants_no_trace(self, *, unless: bool) -> None:
        """A second cancel leaves nothing to show, unless it asks for that as well."""
        if not unless:
            self._stopped_at = None

    def repeats_after_cancel(self) -> bool:
        """Whether it is to be sent again, to show where it was when it was cancelled."""
        at, self._stopped_at = self._stopped_at, None
        if at is None or not self._repeats(at, ending.cancelled(at)):
            return False
        self.is_cancelled = False
        self._forget_deadline()
        return True

    def repeats_after_death(self, at: Position | None, problem: Problem) -> bool:
        """Whether it is to be sent again, to show where the worker died."""
        if at is None or self.is_cancelled:
            return False
        return self._repeats(at, ending.died_in_forward(problem))

    def _repeats(self, at: Position, problem: Problem) -> bool:
        request = self.request
        if not isinstance(request, Inspect) or self.answer.done():
            return False
        if any(death.stage == at.stage for death in request.deaths):
            return False
        death = ending.death(at, problem)
        deaths = (*request.deaths, death)
        self.request = msgspec.structs.replace(request, deaths=deaths, reload=False)
        return True

    def fail(self, problem: Problem) -> None:
        self._forget_deadline()
        if not self.answer.done():
            self.answer.set_exception((CANCELLED if self.is_cancelled else problem).error())

    def succeed(self, result: Result) -> None:
        self._forget_deadline()
        if not self.answer.done():
            self.answer.set_result(result)

    def _forget_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
