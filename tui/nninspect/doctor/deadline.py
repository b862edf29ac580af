"""How long a check may still take."""

from __future__ import annotations

import time
from collections.abc import Callable


class Unavailable(Exception):
    """A piece of evidence that can't be had; the message is a sentence that says why."""


class Deadline:
    """A span of time that starts when it is made."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds; below 0 when it is over."""
        return self._end - self._clock()

    def check(self, expected: float = 0.0) -> None:
        """Raises Unavailable where the expected seconds would not fit any more."""
        if self.left <= expected:
            raise Unavailable(f"the {self._seconds:g} s of the check were up")
