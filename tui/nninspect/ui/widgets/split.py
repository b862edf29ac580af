"""A page whose border to what it stands beside is dragged."""

from __future__ import annotations

from textual import events
from textual.widget import Widget

from nninspect.ui.widgets.link_page import LinkPage

LEAST = 4
"""Cells that either side keeps."""


class Split(LinkPage):
    """A page right of another, or below it, that its border on that side makes wider or higher."""

    _dragged = False

    @property
    def _stands_below(self) -> bool:
        return not self.styles.border_left[0]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Only on the border: the rest of the pane is its own."""
        if (event.y if self._stands_below else event.x) == 0:
            self._dragged = True
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged:
            self.resize_to(event.screen_y if self._stands_below else event.screen_x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._dragged = False
        self.release_mouse()

    def resize_to(self, edge: int) -> None:
        """Have the border at a row or column of the screen."""
        assert isinstance(self.parent, Widget)
        around = self.parent.region
        if self._stands_below:
            self.styles.max_height = self.styles.height = _between(
                around.bottom - edge, around.height
            )
        else:
            self.styles.min_width = LEAST
            self.styles.max_width = self.styles.width = _between(around.right - edge, around.width)


def _between(size: int, room: int) -> int:
    return max(LEAST, min(size, room - LEAST))
