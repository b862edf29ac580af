"""The filter of the layer tree or of the log, typed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterInput(Input):
    """Every keystroke filters; `leave` is told whether to clear the filter when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", id="filter.keep"),
        Binding("escape", "drop", "clear", id="filter.clear"),
        Binding("down", "keep", "to the tree", show=False, id="filter.leave"),
    ]

    def __init__(
        self,
        value: str,
        leave: Callable[[bool], Awaitable[None]],
        hint: str,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(value, placeholder=hint, id=id, compact=True)
        self.cursor_blink = False
        self._leave = leave

    async def action_keep(self) -> None:
        await self._leave(not self.value.strip())

    async def action_drop(self) -> None:
        await self._leave(True)
