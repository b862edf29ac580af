"""A chart of the size of its widget; one key shows the next."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from nninspect.export.charts import Chart, draw

LEAST_WIDTH, LEAST_HEIGHT = 30, 7
"""In fewer cells a chart shows nothing but its frame."""


class ChartView(Widget, can_focus=False):
    """It shows `charts[place]`, drawn when it is first looked at or its size changes."""

    ALLOW_SELECT = False

    charts: reactive[tuple[Chart, ...]] = reactive(())
    place: reactive[int] = reactive(0)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] | None = None

    def watch_charts(self) -> None:
        self.place = min(self.place, max(0, len(self.charts) - 1))
        self._forget()

    def watch_place(self) -> None:
        self._forget()

    def on_resize(self) -> None:
        self._forget()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._forget()

    def turn(self, places: int = 1) -> None:
        """Show the next chart, round the end."""
        if self.charts:
            self.place = (self.place + places) % len(self.charts)

    def render_line(self, y: int) -> Strip:
        if self._strips is None:
            self._strips = self._draw()
        return (
            self._strips[y]
            if y < len(self._strips)
            else Strip.blank(self.size.width, self.rich_style)
        )

    def _forget(self) -> None:
        self._strips = None
        self.refresh()

    def _draw(self) -> list[Strip]:
        width, height = self.size
        if not self.charts or width < LEAST_WIDTH or height < LEAST_HEIGHT:
            return []
        text = draw(
            self.charts[self.place],
            width,
            height,
            colour=not self.app.no_color,
            ascii_only=getattr(self.app, "ascii_only", False),
        )
        return [self._strip(line, width) for line in text.split(allow_blank=True)]

    def _strip(self, line: Text, width: int) -> Strip:
        strip = Strip(line.render(self.app.console)).adjust_cell_length(width)
        return strip.apply_style(self.rich_style)
