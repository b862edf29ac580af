"""Paragraphs that wrap to the width and scroll, drawn line by line."""

from __future__ import annotations

from itertools import zip_longest

from textual.events import Click
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.ui.spans import Paragraph, Span, SpanPainter, span_at, wrap


class Page(ScrollView, can_focus=False):
    """It shows its paragraphs. With `height: auto` it is as high as they are."""

    paragraphs: reactive[tuple[Paragraph, ...]] = reactive((), repaint=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._painter = SpanPainter(self)
        self.rows: list[tuple[Span, ...]] = []

    def watch_paragraphs(self) -> None:
        """Draw the rows that are others now; lay out anew only where the height follows them."""
        before = self.rows
        self.wrap_rows()
        for y, (old, new) in enumerate(zip_longest(before, self.rows)):
            if old != new:
                self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))
        if len(before) != len(self.rows) and self.styles.is_auto_height:
            self.refresh(layout=True)

    def on_resize(self) -> None:
        self.wrap_rows()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(_rows(self.paragraphs, width))

    def render_line(self, y: int) -> Strip:
        return self._painter.strip(self.spans_of(y + self.scroll_offset.y), self.size.width)

    def spans_of(self, row: int) -> tuple[Span, ...]:
        """A row as it is drawn."""
        return self.rows[row] if row < len(self.rows) else ()

    async def on_click(self, event: Click) -> None:
        await self.clicked(event)

    async def clicked(self, event: Click) -> bool:
        """A click on a span runs its action; whether it has one."""
        place = event.get_content_offset(self)
        row = -1 if place is None else place.y + self.scroll_offset.y
        if place is None or not 0 <= row < len(self.rows):
            return False
        span = span_at(self.rows[row], place.x)
        if span is None or not span.action:
            return False
        await self.run_action(span.action)
        return True

    def wrap_rows(self) -> None:
        """Rows that fit leave the virtual size alone: changing it lays out the screen."""
        region = self.scrollable_content_region
        self.rows = _rows(self.paragraphs, region.width)
        self.virtual_size = Size(region.width, max(len(self.rows), region.height))


def _rows(paragraphs: tuple[Paragraph, ...], width: int) -> list[tuple[Span, ...]]:
    return [row for paragraph in paragraphs for row in wrap(paragraph, width)]
