"""Keys typed faster than they are handled: each waits for what the one before it opened."""

from __future__ import annotations

from collections import deque
from functools import partial

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.screen import Screen

PATIENCE_S = 2.0
"""A key waits no longer, should the widget that had the one before it be gone."""


class Follower(Message):
    """It goes right behind a key, from widget to widget, and arrives when that was handled."""

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self.screen = screen


class TypeAheadApp(App[None]):
    """Textual gives a key to what has the focus when it is read, although a key before it, not
    handled yet, may open a dialog or a field; here a key is given out after that."""

    def __init__(self) -> None:
        super().__init__()
        self._follower: Follower | None = None
        self._held: deque[Event] = deque()

    async def on_event(self, event: Event) -> None:
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._follower is None:
            await self._let_in(event)
        else:
            self._held.append(event)
            if len(self._held) == 1:
                self._wait_at_most()

    async def _let_in(self, event: Event) -> None:
        screen, target = self.screen, self.focused or self.screen
        await super().on_event(event)
        follower = Follower(screen)
        if (target if event.is_forwarded else self.screen).post_message(follower):
            self._follower = follower
            if self._held:
                self._wait_at_most()

    async def on_follower(self, follower: Follower) -> None:
        if follower is not self._follower:
            return
        self._follower = None
        if follower.screen is not self.screen:
            # What is behind the mounting in the queue of a new screen finds the focus set.
            follower = Follower(self.screen)
            if self.screen.post_message(follower):
                self._follower = follower
        await self._go_on()

    async def _go_on(self) -> None:
        while self._held and self._follower is None:
            await self._let_in(self._held.popleft())

    def _wait_at_most(self) -> None:
        self.set_timer(PATIENCE_S, partial(self._give_up, self._follower))

    async def _give_up(self, follower: Follower | None) -> None:
        if follower is self._follower:
            self._follower = None
            await self._go_on()
