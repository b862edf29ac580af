"""The lines of the log, with a cursor; it follows the end until one goes up."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollUp
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.ui.log_book import Entry, LogBook, Source
from nninspect.ui.log_sight import LogSight
from nninspect.ui.spans import Span, SpanPainter

STYLES = {"stdout": "", "stderr": "warn", "worker": "dim", "traceback": "bad"}
MARKS = {"stdout": " ", "stderr": "!", "worker": "»", "traceback": "✗"}
"""Before a line, for those who see no colours."""
POINTER = "›"
PAN = 8


class LogView(ScrollView, can_focus=True):
    """It shows a `LogSight`, drawn anew by `update`."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="log.up"),
        Binding("down,j", "move(1)", "down", show=False, id="log.down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="log.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="log.page_down"),
        Binding("home,g", "move(-1000000)", "first line", show=False, id="log.first"),
        Binding(
            "G,end", "follow", "end", key_display="G", tooltip="follow the end", id="log.follow"
        ),
        Binding("n", "match(1)", "next match", show=False, id="log.next_match"),
        Binding("N", "match(-1)", "match before", show=False, id="log.previous_match"),
        Binding("left,h", "pan(-1)", "pan left", show=False, id="log.pan_left"),
        Binding("right,l", "pan(1)", "pan right", show=False, id="log.pan_right"),
    ]

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sight = LogSight(book)
        self.cursor = 0
        """The number of a line in the book."""
        self.follows = True
        self._left = 0
        self._painter = SpanPainter(self)

    @property
    def current(self) -> Entry | None:
        """The line under the cursor."""
        place = self.sight.place(self.cursor)
        numbers = self.sight.numbers
        return self.sight.book[numbers[place]] if place < len(numbers) else None

    @property
    def unfinished(self) -> Entry | None:
        """The line that is being printed, where it is one of those in view."""
        entry = self.sight.book.unfinished
        return entry if entry is not None and self.sight.has(entry) else None

    def update(self) -> None:
        """Draw what was written meanwhile; whoever reads further up keeps the lines in view."""
        sight = self.sight
        top = self.scroll_offset.y
        before = sight.numbers[top] if top < len(sight.numbers) else sight.book.end
        sight.catch_up()
        self._lay_out()
        if self.follows:
            self._to_end()
        else:
            self.scroll_to(y=sight.place(before), animate=False, force=True)
            self._put(sight.place(self.cursor))
        self.refresh()

    def choose(self, query: str, source: Source | None) -> None:
        """See other lines, the cursor on the same one or the next that is in view."""
        sight = self.sight
        sight.choose(query, source)
        self._lay_out()
        if self.follows:
            self._to_end()
        else:
            self._go(sight.place(self.cursor))
            half = self.scrollable_content_region.height // 2
            self.scroll_to(y=sight.place(self.cursor) - half, animate=False, force=True)
        self.refresh()

    def _lay_out(self) -> None:
        rows = len(self.sight.numbers) + (self.unfinished is not None)
        if self.virtual_size.height != rows or self.virtual_size.width != self.size.width:
            self.virtual_size = Size(self.size.width, rows)

    def _to_end(self) -> None:
        self._put(len(self.sight.numbers) - 1)
        self.scroll_to(y=self.virtual_size.height, animate=False, force=True)

    def _put(self, place: int) -> None:
        """The cursor on the line at a place, or the nearest end."""
        numbers = self.sight.numbers
        if numbers:
            self.cursor = numbers[max(0, min(place, len(numbers) - 1))]

    def _go(self, place: int) -> None:
        """The cursor there, and in view; on the last line the end is followed again."""
        self._put(place)
        place = self.sight.place(self.cursor)
        self.follows = place >= len(self.sight.numbers) - 1
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= place < top + height:
            self.scroll_to(
                y=place if place < top else place - height + 1, animate=False, force=True
            )
        self.refresh()

    def watch_scroll_y(self, before: float, now: float) -> None:
        super().watch_scroll_y(before, now)
        if now < before and now < self.max_scroll_y:
            self.follows = False

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self.follows = False

    def on_resize(self) -> None:
        self.update()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        numbers = self.sight.numbers
        if place < len(numbers):
            spans = self._spans(self.sight.book[numbers[place]], numbers[place] == self.cursor)
        elif place == len(numbers) and self.unfinished is not None:
            spans = self._spans(self.unfinished, False)
        else:
            spans = ()
        return self._painter.strip(spans, self.size.width)

    def _spans(self, entry: Entry, is_current: bool) -> tuple[Span, ...]:
        style = STYLES[entry.source]
        pointer = Span(POINTER if is_current else " ", "accent")
        mark = Span(f"{MARKS[entry.source]} ", style)
        return (pointer, mark, *_found(entry.text[self._left :], self.sight.searched, style))

    def action_move(self, places: int) -> None:
        self._go(self.sight.place(self.cursor) + places)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.scrollable_content_region.height - 1))

    def action_follow(self) -> None:
        self.follows = True
        self.update()

    def action_match(self, step: int) -> None:
        number = self.sight.match(self.cursor, step)
        if number is not None:
            self._go(self.sight.place(number))

    def action_pan(self, steps: int) -> None:
        self._left = max(0, self._left + PAN * steps)
        self.refresh()

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        if place is not None and place.y + self.scroll_offset.y < len(self.sight.numbers):
            self._go(place.y + self.scroll_offset.y)


def _found(text: str, searched: str, style: str) -> tuple[Span, ...]:
    """The line, with what was searched in it set off."""
    place = text.lower().find(searched) if searched else -1
    if place < 0 or len(text.lower()) != len(text):
        return (Span(text, style),)
    end = place + len(searched)
    return (
        Span(text[:place], style),
        Span(text[place:end], "active"),
        *_found(text[end:], searched, style),
    )
