"""A request without an answer: sent, cancelled, or to be sent once more to see where it ended."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import msgspec

from nninspect.client import cut_short, ending
from nninspect.client.cut_short import Heard
from nninspect.errors import Cancelled
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckResult
from nninspect.protocol.flight import Position
from nninspect.protocol.framing import encode
from nninspect.protocol.messages import Bench, Check, Inspect, Work
from nninspect.protocol.records import Inspection, Problem
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

Result: TypeAlias = (
    Inspection | BenchResult | CheckResult | tuple[TensorStats, ...] | Source | Checkpoint
)

MOST_DEATHS = 2
"""Of a check: what runs the model is left out step by step."""
CANCELLED = Problem.of(Cancelled("cancelled"))


class Pending:
    """A request, and who waits for its answer.

    An Inspect that ends in a forward without an answer is sent once more, with the place that it
    got to: the forward stops there, so that all up to it is seen. Each stage of a look, on each
    rung of its ladder, is given one such repetition; a second death in it is the answer.
    """

    def __init__(self, request: Work) -> None:
        self.request = request
        self.answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.is_cancelled = False
        self.deadline: asyncio.TimerHandle | None = None
        """When a worker that does not heed the cancel is given up."""
        self.is_given_up = False
        """It did not heed the cancel, so its worker is killed."""
        self.bench = Heard()
        """What it told, where it is a benchmark."""
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

    def benches_again(self, problem: Problem) -> bool:
        """Whether a benchmark is to be sent again, without what the worker died in."""
        request = self.request
        if not isinstance(request, Bench) or self.is_cancelled or self.answer.done():
            return False
        plan = cut_short.again(request.plan, self.bench, problem)
        if plan is None:
            return False
        self.request = msgspec.structs.replace(request, plan=plan)
        self.bench = Heard()
        return True

    def checks_again(self, problem: Problem) -> bool:
        """Whether a check is to be sent again, to look without what the worker died in."""
        request = self.request
        if not isinstance(request, Check) or self.is_cancelled or self.answer.done():
            return False
        if len(request.plan.died) >= MOST_DEATHS:
            return False
        died = (*request.plan.died, ending.died_in_forward(problem).message)
        plan = msgspec.structs.replace(request.plan, died=died, reload=False)
        self.request = msgspec.structs.replace(request, plan=plan)
        self._forget_deadline()
        return True

    def cut_short(self, problem: Problem | None) -> bool:
        """Whether it is a benchmark whose finished rounds are its answer, now given; the problem is
        what the worker died of, None where it is given up after a cancel."""
        known = cut_short.result(self.bench, None if self.is_cancelled else problem)
        if known is None:
            return False
        self.succeed(known)
        return True

    def _repeats(self, at: Position, problem: Problem) -> bool:
        request = self.request
        if not isinstance(request, Inspect) or self.answer.done():
            return False
        if any((death.stage, death.rung) == (at.stage, at.rung) for death in request.deaths):
            return False
        death = ending.death(at, problem)
        deaths = (*request.deaths, death)
        self.request = msgspec.structs.replace(request, deaths=deaths, reload=False)
        return True

    def fail(self, problem: Problem) -> None:
        self._forget_deadline()
        if not self.answer.done():
            self.answer.set_exception((self._cancelled if self.is_cancelled else problem).error())

    @property
    def _cancelled(self) -> Problem:
        if not isinstance(self.request, Bench):
            return CANCELLED
        said = cut_short.hung(self.bench)
        if said and self.is_given_up:
            return Problem.of(Cancelled(f"cancelled: {said}", "Plan the benchmark without it."))
        return Problem.of(Cancelled(f"cancelled {cut_short.unmeasured(self.bench)}"))

    def succeed(self, result: Result) -> None:
        self._forget_deadline()
        if not self.answer.done():
            self.answer.set_result(result)

    def _forget_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
