"""One row of the screen, drawn straight to a strip: a change costs no layout."""

from __future__ import annotations

from textual.events import Click
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from nninspect.ui.spans import Span, SpanPainter, span_at


class Line(Widget):
    """It shows its spans; a click on one runs its action."""

    ALLOW_SELECT = False

    spans: reactive[tuple[Span, ...]] = reactive(())

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._painter = SpanPainter(self)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def render_line(self, y: int) -> Strip:
        return self._painter.strip(self.spans if y == 0 else (), self.size.width)

    async def on_click(self, event: Click) -> None:
        span = span_at(self.spans, event.x - self.styles.padding.left)
        if span is not None and span.action:
            await self.run_action(span.action)
