"""Textual's ticks, told by a character where it tells them by a colour alone."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Checkbox, SelectionList

from nninspect.ui.widgets.options import Paged

TICKED, UNTICKED = "X", " "


class Tick(Checkbox):
    """One yes or no."""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802
        return TICKED if self.value else UNTICKED


class Ticks(Paged, SelectionList[str]):
    """A list of them."""

    def render_line(self, y: int) -> Strip:
        strip, place = super().render_line(y), y + self.scroll_offset.y
        if place >= self.option_count or self.get_option_at_index(place).value in self.selected:
            return strip
        left, inner, *rest = strip
        return Strip([left, Segment(UNTICKED, inner.style), *rest])
