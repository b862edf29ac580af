"""One request at a time: the next takes over once the one before it has given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.message import Message

from nninspect.client.api import Client
from nninspect.errors import Cancelled, NninspectError
from nninspect.protocol.records import Problem
from nninspect.ui.asides import Asides
from nninspect.ui.messages import Activity, Doing, Failed, Said
from nninspect.ui.progress import Progress


class Turns:
    """The request under way; how it ended is told, whatever it raised. Asides wait meanwhile."""

    def __init__(self, client: Client, asides: Asides, tell: Callable[[Message], object]) -> None:
        self._client = client
        self._asides = asides
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress(tell)

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def is_last(self) -> bool:
        """Whether it is asked in the turn that was begun last; what others found is out of date."""
        return self._task is asyncio.current_task()

    def begin(self, doing: Doing, title: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do it in place of what is under way."""
        waits_for = self._task
        self._asides.hold()
        self._task = asyncio.create_task(self._run(doing, title, work, waits_for))

    async def _run(
        self,
        doing: Doing,
        title: str,
        work: Callable[[], Awaitable[None]],
        waits_for: asyncio.Task[None] | None,
    ) -> None:
        if waits_for is not None and not waits_for.done():
            self._client.cancel()
            await asyncio.wait([waits_for])
        if not self.is_last:
            return
        self.progress.begin(Activity(doing, title))
        try:
            await work()
        except Cancelled:
            self._tell(Said("cancelled"))
        except NninspectError as error:
            self._tell(Failed(doing, Problem.of(error)))
        except Exception as error:  # a mistake of our own must not end in a silent task
            self._tell(Failed(doing, _bug(error)))
        finally:
            self.progress.end()
            if self.is_last:
                self._asides.go_on()


def _bug(error: Exception) -> Problem:
    """An error of our own: short on the screen, in full in the log."""
    import traceback

    return Problem(
        kind="NninspectError",
        message=f"nninspect itself failed: {type(error).__name__}: {error}",
        hint="The Log has the details; they make a good bug report",
        details="".join(traceback.format_exception(error)),
    )
