"""How far a look is, noted where the client can read it, and where the last one ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nninspect.protocol.dry_run import Rung
from nninspect.protocol.flight import (
    RUNG,
    SINCE,
    STAGE,
    STEP,
    TRIAL,
    Death,
    Numbers,
    Stage,
    number_of,
    unread,
)


class Ended(BaseException):
    """Raised in place of the step that an earlier process did not live to see the end of.

    Not an Exception, so that no `except Exception` of the user's goes on into the same death.
    """

    def __init__(self, death: Death, is_after: bool) -> None:
        super().__init__(death.message)
        self.death = death
        self.is_after = is_after
        """A call had returned, and the next had not begun."""


class Steps:
    """Counts the steps of one forward: the begin and the end of every call that is recorded.

    The end counts as well, so that a module which dies after a part of it has returned is told
    from one that dies in that part.
    """

    def __init__(self, numbers: Numbers | None = None, death: Death | None = None) -> None:
        self._numbers = unread() if numbers is None else numbers
        self._death = death
        self._last = death.step if death is not None else 0
        self._count = 0

    def pass_one(self, *, is_end: bool = False) -> None:
        """A call begins, or ends. Raises Ended at the step that was the last."""
        self._count = count = self._count + 1
        self._numbers[STEP] = count
        if count == self._last and self._death is not None:
            raise Ended(self._death, is_end)


class Flight:
    """The stages of one look, and what ended earlier looks at the same, a death a stage of each
    rung."""

    def __init__(self, numbers: Numbers | None = None, deaths: Sequence[Death] = ()) -> None:
        self._numbers = unread() if numbers is None else numbers
        self._all_deaths = deaths
        self.on(Rung.REAL)

    def on(self, rung: Rung) -> None:
        """The stages from here on are of that rung of the ladder."""
        self._numbers[RUNG] = number_of(rung)
        self._deaths = [each for each in self._all_deaths if each.rung is rung]

    def death_in(self, stage: Stage, trial: int = 0) -> Death | None:
        """What ended an earlier look in that stage; in that try, where it is one."""
        at = (stage, trial)
        return next((each for each in self._deaths if (each.stage, each.trial) == at), None)

    @contextmanager
    def stage(self, stage: Stage, trial: int = 0) -> Iterator[None]:
        """A stage, for as long as the body runs."""
        numbers = self._numbers
        numbers[STEP], numbers[TRIAL], numbers[SINCE] = 0, trial, time.monotonic_ns()
        numbers[STAGE] = stage
        try:
            yield
        finally:
            numbers[STAGE] = Stage.NONE

    def steps(self, stage: Stage) -> Steps:
        """Of a forward in that stage; the recorded one ends where it, or a try of its input,
        ended before."""
        if stage is not Stage.FORWARD:
            return Steps(self._numbers)
        ends = [each for each in self._deaths if each.step and each.stage <= Stage.FORWARD]
        return Steps(self._numbers, ends[-1] if ends else None)
