"""Stops the one request that is running, and nothing else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TypeVar

from nninspect.errors import Cancelled, Interrupted

_Result = TypeVar("_Result")


class Cancels:
    """Which requests are to be stopped.

    Requests run in the main thread, where `run` is called and Python handles signals; `expect`
    and `cancel` are called by the thread that reads. So whether an interrupt may be raised is
    decided and changed in one thread only, and none can hit what comes after its request. One is
    raised at most once a request, so that it never breaks into the clean-up after itself.
    """

    def __init__(self) -> None:
        self._expected: set[int] = set()
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()
        self._running: int | None = None
        self._held = False
        self._raised = False

    def expect(self, request_id: int) -> None:
        """A request came in; it will be run."""
        with self._lock:
            self._expected.add(request_id)

    def cancel(self, request_id: int) -> None:
        """Stop a request, now or when its turn comes; nothing when it is over or unknown."""
        with self._lock:
            if request_id in self._expected:
                self._cancelled.add(request_id)
        if request_id == self._running:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def run(
        self, request_id: int, work: Callable[[], _Result], *, keeps_part: bool = False
    ) -> _Result:
        """The result of `work`. Raises Cancelled once the request is cancelled, unless it
        `keeps_part`: then work that caught Interrupted may return what it has."""
        signal.signal(signal.SIGINT, self._on_signal)
        self._raised = False
        try:
            return self._run(request_id, work, keeps_part)
        except BaseException:
            if self._raised:
                raise Cancelled("cancelled") from None
            raise
        finally:
            self._running = None
            with self._lock:
                self._expected.discard(request_id)
                self._cancelled.discard(request_id)

    def _run(self, request_id: int, work: Callable[[], _Result], keeps_part: bool) -> _Result:
        try:
            self._running = request_id
            self.check()
            result = work()
        finally:
            self._running = None
        if self._raised and not keeps_part:
            raise Interrupted  # user code swallowed it: half a result is none
        return result

    def check(self) -> None:
        """Raises Interrupted when the running request is cancelled."""
        if self._running in self._cancelled:
            self._raised = True
            raise Interrupted

    def hold(self, action: Callable[[], None]) -> None:
        """Do something that must not be broken off in the middle, then `check`."""
        self._held = True
        try:
            action()
        finally:
            self._held = False
        self.check()

    def _on_signal(self, *_: object) -> None:
        if not (self._held or self._raised):
            self.check()
