"""How long a check may still take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nninspect.errors import Interrupted


class Unavailable(Exception):
    """A piece of evidence that can't be had; the message is a sentence that says why."""


class _Expired(Interrupted):
    """Raised where user code is when the time is up; no Exception, so that it lets it pass."""


class Deadline:
    """A span of time that starts when it is made."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; below 0 when it is over."""
        return self._end - time.monotonic()

    def check(self, expected: float = 0.0) -> None:
        """Raises Unavailable where the expected seconds would not fit any more."""
        if self.left <= expected:
            raise Unavailable(self._over)

    @contextmanager
    def bounded(self, expected: float = 0.0) -> Iterator[None]:
        """Raises Unavailable also where the body, user code, does not come to an end by then.

        Only in the main thread, where Python handles signals; elsewhere it only checks.
        """
        self.check(expected)
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        is_over = False

        def expire(*_: object) -> None:
            nonlocal is_over
            is_over = True
            raise _Expired

        before = signal.signal(signal.SIGALRM, expire)
        signal.setitimer(signal.ITIMER_REAL, self.left)
        try:
            yield
        except _Expired:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        if is_over:  # also where a bare `except:` swallowed it: half a run is none
            raise Unavailable(self._over)

    @property
    def _over(self) -> str:
        return f"the {self._seconds:g} s of the check were up"
