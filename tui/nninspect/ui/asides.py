"""What is asked beside everything else: the weights and the source of one module at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message import Message

from nninspect.client.api import Client
from nninspect.errors import Cancelled, NninspectError
from nninspect.protocol.records import Setup
from nninspect.ui.messages import Described

PAUSE_S = 0.12
"""A cursor that moves on sooner asks for nothing."""


class Asides:
    """The latest wish is asked for while no request is under way; what is known is told at once."""

    def __init__(self, client: Client, tell: Callable[[Message], object]) -> None:
        self._client = client
        self._tell = tell
        self._wanted: tuple[Setup, str] | None = None
        self._known: dict[str, Described] = {}
        self._is_held = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def want(self, setup: Setup, path: str) -> None:
        """Tell of the module at a path, soon."""
        if path in self._known:
            self._wanted = None
            self._tell(self._known[path])
        else:
            self._wanted = setup, path
            self._begin()

    def hold(self) -> None:
        """Something else goes on in the worker; what is under way here is dropped."""
        self._is_held = True
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def go_on(self) -> None:
        self._is_held = False
        self._begin()

    def forget(self) -> None:
        """The model is another one now."""
        self._known.clear()
        self._wanted = None

    def _begin(self) -> None:
        if self._wanted is not None and not self._is_held and not self.is_busy:
            self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        while (wanted := self._wanted) is not None:
            await asyncio.sleep(PAUSE_S)
            if self._wanted != wanted:
                continue  # the cursor moved on, or to what is known, and was told
            described = await self._describe(*wanted)
            if described is not None:
                self._known[described.path] = described
            if self._wanted == wanted:
                self._wanted = None
                if described is not None:
                    self._tell(described)

    async def _describe(self, setup: Setup, path: str) -> Described | None:
        try:
            tensors = await self._client.weights(setup, path)
            return Described(path, tensors, await self._client.source(setup, path))
        except Cancelled:
            return None
        except NninspectError as error:
            return Described(path, problem=error.message)
