"""What goes on in the worker, told no more often than it is worth drawing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from nninspect.protocol.bench_plan import BenchProgress
from nninspect.ui.messages import Activity, Progressed

PROGRESS_SECONDS = 0.25
"""Progress is drawn at most this often, so that drawing does not disturb what is timed."""


class Progress:
    """It tells a change of activity at once, progress within one at intervals, the latest of it."""

    def __init__(self, tell: Callable[[Progressed], object]) -> None:
        self._tell = tell
        self._activity: Activity | None = None
        self._told_at = 0.0
        self._due: asyncio.TimerHandle | None = None

    def begin(self, activity: Activity) -> None:
        self._activity = activity
        self._tell_it()

    def end(self) -> None:
        self._activity = None
        self._tell_it()

    def advance(
        self, stage: str, fraction: float | None, bench: BenchProgress | None = None
    ) -> None:
        """Nothing where no activity is under way."""
        if self._activity is None:
            return
        measured = self._activity.measured
        if bench is not None and bench.latest is not None:
            measured = {**measured, bench.latest: bench}
        self._activity = replace(self._activity, stage=stage, fraction=fraction, measured=measured)
        if self._due is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._told_at + PROGRESS_SECONDS)
            self._due = loop.call_at(due, self._tell_it)

    def _tell_it(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._told_at = asyncio.get_running_loop().time()
        self._tell(Progressed(self._activity))
