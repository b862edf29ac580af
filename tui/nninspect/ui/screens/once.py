"""A screen that goes when it is dismissed, and not once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:
    Base = object


class Once(Base):
    """Beside a class of screens. A double click, or a key on its way while the screen goes, would
    dismiss it again: Textual then takes the screen below, or answers twice who waits for it."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_current else AwaitComplete()
