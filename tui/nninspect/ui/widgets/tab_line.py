"""The line of tabs."""

from __future__ import annotations

from textual.reactive import reactive

from nninspect.ui.spans import Span
from nninspect.ui.widgets.line import Line

TABS = {
    "layers": "Layers",
    "bench": "Bench",
    "doctor": "Doctor",
    "weights": "Weights",
    "log": "Log",
}
NEWS = " ●"


class TabLine(Line):
    """It shows which tab is open, and which has something that was not seen yet."""

    current: reactive[str] = reactive("layers")
    news: reactive[frozenset[str]] = reactive(frozenset())
    found: reactive[int] = reactive(0)
    """Findings that ask for a change."""

    def watch_current(self) -> None:
        self._write()

    def watch_news(self) -> None:
        self._write()

    def watch_found(self) -> None:
        self._write()

    def _write(self) -> None:
        self.spans = tuple(
            span for number, tab in enumerate(TABS, 1) for span in self._tab(number, tab)
        )

    def _tab(self, number: int, tab: str) -> tuple[Span, ...]:
        news = NEWS if tab in self.news else ""
        if tab == "doctor" and self.found:
            news = f"{NEWS}{self.found}"
        style = "active" if tab == self.current else "dim"
        return Span(f" {number} {TABS[tab]}{news} ", style, f"screen.tab('{tab}')"), Span(" ")
