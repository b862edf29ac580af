"""The lines of the log, with a cursor; it follows the end until one goes up."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollUp
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.ui.log_book import Entry, LogBook, Source
from nninspect.ui.log_rows import LogRows, cut
from nninspect.ui.log_sight import LogSight
from nninspect.ui.spans import Span, SpanPainter

STYLES = {"stdout": "", "stderr": "warn", "worker": "dim", "traceback": "bad"}
MARKS = {"stdout": " ", "stderr": "!", "worker": "»", "traceback": "✗"}
"""Before a line, for those who see no colours."""
POINTER = "›"
PAN = 8
GUTTER = 3
"""The pointer and the mark."""
WRAP = "long lines go on in the next row, or are cut and panned"


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
        Binding("w", "wrap", "wrap", tooltip=WRAP, id="log.wrap"),
        Binding("left,h", "pan(-1)", "pan left", show=False, id="log.pan_left"),
        Binding("right,l", "pan(1)", "pan right", show=False, id="log.pan_right"),
    ]

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sight = LogSight(book)
        self.cursor = 0
        """The number of a line in the book."""
        self.follows = True
        self.wraps = False
        self._rows = LogRows((), None)
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
        place, piece = self._rows.at(self.scroll_offset.y)
        before = sight.numbers[place] if place < len(sight.numbers) else sight.book.end
        sight.catch_up()
        self._lay_out()
        if self.follows:
            self._to_end()
        else:
            place = sight.place(before)
            row = min(self._rows.first(place) + piece, max(0, self._rows.last(place)))
            self.scroll_to(y=row, animate=False, force=True)
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
            row = self._rows.first(sight.place(self.cursor))
            self.scroll_to(y=row - half, animate=False, force=True)
        self.refresh()

    def _lay_out(self) -> None:
        texts = [self.sight.book[number].text for number in self.sight.numbers]
        if self.unfinished is not None:
            texts.append(self.unfinished.text)
        width = self.scrollable_content_region.width - GUTTER
        self._rows = LogRows(texts, width if self.wraps else None)
        rows = len(self._rows)
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
        first, last = self._rows.first(place), self._rows.last(place)
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if first < top or last >= top + height:
            row = first if first < top else min(first, last - height + 1)
            self.scroll_to(y=row, animate=False, force=True)
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
        place, piece = self._rows.at(y + self.scroll_offset.y)
        numbers = self.sight.numbers
        if place < len(numbers):
            is_current = numbers[place] == self.cursor
            spans = self._spans(self.sight.book[numbers[place]], piece, is_current)
        elif place == len(numbers) and self.unfinished is not None:
            spans = self._spans(self.unfinished, piece, False)
        else:
            spans = ()
        return self._painter.strip(spans, self.size.width)

    def _spans(self, entry: Entry, piece: int, is_current: bool) -> tuple[Span, ...]:
        """A piece of a line; what it begins with has the pointer and the mark."""
        style = STYLES[entry.source]
        pieces = self._rows.pieces(entry.text)
        # A line that is still being printed may have become shorter since its rows were counted.
        start, end = pieces[min(piece, len(pieces) - 1)]
        text = cut(_found(entry.text, self.sight.searched, style), start + self._left, end)
        pointer = Span(POINTER if is_current else " ", "accent")
        mark = Span(f"{MARKS[entry.source] if piece == 0 else ' '} ", style)
        return (pointer, mark, *text)

    def action_move(self, places: int) -> None:
        self._go(self.sight.place(self.cursor) + places)

    def action_page(self, pages: int) -> None:
        rows = max(1, self.scrollable_content_region.height - 1)
        now = self.sight.place(self.cursor)
        place, _ = self._rows.at(max(0, self._rows.first(now) + pages * rows))
        self._go(max(place, now + 1) if pages > 0 else min(place, now - 1))

    def action_follow(self) -> None:
        self.follows = True
        self.update()

    def action_match(self, step: int) -> None:
        number = self.sight.match(self.cursor, step)
        if number is not None:
            self._go(self.sight.place(number))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is wrapped is not panned."""
        return action != "pan" or not self.wraps

    def action_wrap(self) -> None:
        self.wraps, self._left = not self.wraps, 0
        self.update()
        self._go(self.sight.place(self.cursor))
        self.refresh_bindings()

    def action_pan(self, steps: int) -> None:
        self._left = max(0, self._left + PAN * steps)
        self.refresh()

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None:
            place, _ = self._rows.at(offset.y + self.scroll_offset.y)
            if place < len(self.sight.numbers):
                self._go(place)


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
