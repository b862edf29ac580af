"""Paragraphs that wrap to the width and scroll, drawn line by line."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.ui.spans import SPAN_STYLES, Paragraph, Span, to_strip, wrap


class Page(ScrollView, can_focus=False):
    """It shows its paragraphs. With `height: auto` it is as high as they are."""

    COMPONENT_CLASSES = SPAN_STYLES

    paragraphs: reactive[tuple[Paragraph, ...]] = reactive(())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[tuple[Span, ...]] = []

    def watch_paragraphs(self, before: tuple[Paragraph, ...]) -> None:
        grew = len(before) != len(self.paragraphs)
        self._wrap(self.scrollable_content_region.width)
        self.refresh(layout=grew and self.styles.is_auto_height)

    def on_resize(self) -> None:
        self._wrap(self.scrollable_content_region.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(_rows(self.paragraphs, width))

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        spans = self._rows[row] if row < len(self._rows) else ()
        return to_strip(self, spans, self.size.width)

    def _wrap(self, width: int) -> None:
        self._rows = _rows(self.paragraphs, width)
        self.virtual_size = Size(width, len(self._rows))


def _rows(paragraphs: tuple[Paragraph, ...], width: int) -> list[tuple[Span, ...]]:
    return [row for paragraph in paragraphs for row in wrap(paragraph, width)]
