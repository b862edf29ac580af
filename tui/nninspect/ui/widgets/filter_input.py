"""The filter of the layer tree, typed in."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

HINT = "name, type, path, or sizes: 64,8"


class FilterInput(Input):
    """Every keystroke filters; `Closed` says whether the filter is to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", id="filter.keep"),
        Binding("escape", "drop", "clear", id="filter.clear"),
        Binding("down", "keep", "to the tree", show=False, id="filter.leave"),
    ]

    class Closed(Message):
        """The typing is over."""

        def __init__(self, clear: bool) -> None:
            super().__init__()
            self.clear = clear

    def __init__(self, value: str, *, id: str | None = None) -> None:
        super().__init__(value, placeholder=HINT, id=id, compact=True)
        self.cursor_blink = False

    def on_mount(self) -> None:
        self.focus()

    def action_keep(self) -> None:
        self.post_message(self.Closed(clear=not self.value.strip()))

    def action_drop(self) -> None:
        self.post_message(self.Closed(clear=True))
