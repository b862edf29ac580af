"""The log: what user code printed and what the worker did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container
from textual.timer import Timer

from nninspect.ui.log_book import MOST_LINES, LogBook

if TYPE_CHECKING:
    from textual.widgets import Log

DRAW_SECONDS = 0.1
"""What is printed meanwhile is drawn together."""


class LogPane(Container):
    """It shows a `LogBook`; Textual's log widget is made when it is first looked at."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.book = LogBook()
        self._undrawn: list[str] = []
        self._timer: Timer | None = None
        self._log: Log | None = None

    @property
    def log_widget(self) -> Log:
        """Textual's widget with every line so far, made on the first call."""
        if self._log is None:
            from textual.widgets import Log

            self._log = Log(max_lines=MOST_LINES)
            self.mount(self._log)
            self._log.write_lines(self.book.lines)
        return self._log

    def printed(self, text: str) -> None:
        """Take what user code printed."""
        self._draw_later(self.book.write(text))

    def note(self, text: str) -> None:
        """Take lines of our own."""
        self._draw_later(self.book.note(text))

    def flush(self) -> None:
        """End the line that is being printed."""
        self._draw_later(self.book.flush())

    def _draw_later(self, lines: list[str]) -> None:
        if self._log is None or not lines:
            return
        self._undrawn += lines
        if self._timer is None:
            self._timer = self.set_timer(DRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        assert self._log is not None
        self._timer = None
        lines, self._undrawn = self._undrawn[-MOST_LINES:], []
        self._log.write_lines(lines)
