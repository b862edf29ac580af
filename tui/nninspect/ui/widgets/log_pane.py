"""The Log tab: what user code printed and what the worker did, by source, filtered as one types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from nninspect.text import units
from nninspect.ui.log_book import SOURCES, LogBook, Source
from nninspect.ui.spans import Span
from nninspect.ui.widgets.filtered import FilteredPane
from nninspect.ui.widgets.line import Line
from nninspect.ui.widgets.log_view import LogView

if TYPE_CHECKING:
    from nninspect.export.shown import Shown
    from nninspect.ui.offers import Offer

DRAW_SECONDS = 0.1
"""What is printed meanwhile is drawn together."""
SOURCE = "only what one source wrote: stdout, stderr, the worker, tracebacks"


class LogPane(FilteredPane):
    """It shows a `LogBook`; while another tab is open, nothing is drawn."""

    FILTER_HINT = "words of the lines to see; cleared, all of them around the line of the cursor"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "source", "source", tooltip=SOURCE, id="log.source"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.book = LogBook()
        self.view = LogView(self.book, id="log-lines")
        self._head = Line(id="log-head")
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._head
        yield self.view

    def printed(self, text: str, source: Source = "stdout", dropped: int = 0) -> None:
        """Take what user code printed."""
        self.book.write(text, source, dropped)
        self._draw_later()

    def note(self, text: str) -> None:
        """Take lines of our own."""
        self.book.note(text)
        self._draw_later()

    def flush(self) -> None:
        """End the line that is being printed."""
        self.book.flush()
        self._draw_later()

    def on_show(self) -> None:
        self._draw()

    def _draw_later(self) -> None:
        if self._timer is None and self.display and self.is_mounted:
            self._timer = self.set_timer(DRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        self._timer = None
        self.view.update()
        self._head.spans = tuple(self._spans())

    def _spans(self) -> Iterator[Span]:
        book, sight = self.book, self.view.sight
        yield self._tab(None, "all", len(book.entries))
        for source in SOURCES:
            if book.counts[source] or sight.source == source:
                yield self._tab(source, source, book.counts[source])
        if sight.query:
            yield Span(
                f" {units.counted(len(sight.numbers), 'line')} with ‹{sight.query}›", "strong"
            )
        if book.first:
            yield Span(f"  {units.counted(book.first, 'earlier line')} dropped", "warn")
        if book.dropped_bytes:
            yield Span(f"  {units.size(book.dropped_bytes)} came too fast", "warn")

    def _tab(self, source: Source | None, name: str, count: int) -> Span:
        style = "active" if self.view.sight.source == source else "dim"
        return Span(f" {name} {units.count(count)} ", style, f"screen.log_source('{source or ''}')")

    def choose(self, source: Source | None) -> None:
        """See what one source wrote; None sees all."""
        self.view.choose(self.view.sight.query, source)
        self._draw()

    def action_source(self) -> None:
        """The next source that wrote anything, round the end."""
        known = [None, *(source for source in SOURCES if self.book.counts[source])]
        now = self.view.sight.source
        place = known.index(now) if now in known else 0
        self.choose(known[(place + 1) % len(known)])

    @property
    def filtered(self) -> LogView:
        return self.view

    @property
    def filter_text(self) -> str:
        return self.view.sight.query

    def filter(self, text: str) -> None:
        """See the lines with these words."""
        self.view.choose(text, self.view.sight.source)
        self._draw()

    # what is taken out

    def shown(self) -> Shown:
        """The lines in view."""
        from nninspect.export.shown import Shown
        from nninspect.export.table import Table

        book, numbers = self.book, list(self.view.sight.numbers)
        lines = [book[number] for number in numbers]
        fields = [entry._asdict() for entry in lines]
        return Shown(
            "log",
            "nninspect",
            lambda: Table(("source", "line"), tuple(lines)),
            lambda: json.dumps({"schema": 1, "lines": fields}, indent=2, ensure_ascii=False) + "\n",
        )

    def offers(self) -> Iterator[Offer]:
        """What there is to copy: the line of the cursor, the last traceback, all in view."""
        from nninspect.ui.offers import Offer, offer

        view, book = self.view, self.book
        if view.current is not None:
            yield offer("line", view.current.text)
        if found := last_traceback(book):
            yield Offer("traceback", found[-1], lambda: "\n".join(found) + "\n")
        lines = [book[number].text for number in view.sight.numbers]
        if lines:
            what = units.counted(len(lines), "line")
            yield Offer("all in view", what, lambda: "\n".join(lines) + "\n")


def last_traceback(book: LogBook) -> list[str]:
    """The lines of the last exception; [] where none was raised."""
    found: list[str] = []
    for entry in reversed(book.entries):
        if entry.source == "traceback":
            found.append(entry.text)
        elif found:
            break
    return found[::-1]
