"""Findings, a line each, with a cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.protocol.findings import Finding
from nninspect.ui.finding_text import title
from nninspect.ui.spans import SPAN_STYLES, Span, SpanPainter


class FindingList(ScrollView, can_focus=True):
    """It shows `findings`; enter or a click on the line of the cursor chooses one."""

    COMPONENT_CLASSES = SPAN_STYLES
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next finding", show=False, id="finding.next"),
        Binding("up,k", "move(-1)", "finding before", show=False, id="finding.previous"),
        Binding("home,g", "move(-9999)", "first finding", show=False, id="finding.first"),
        Binding("end,G", "move(9999)", "last finding", show=False, id="finding.last"),
        Binding("enter", "choose", "to its layer", id="finding.layer"),
    ]

    findings: reactive[tuple[Finding, ...]] = reactive((), repaint=False)
    place: reactive[int] = reactive(0)
    """Of the cursor."""

    class Chosen(Message):
        def __init__(self, finding: Finding) -> None:
            self.finding = finding
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._painter = SpanPainter(self)

    @property
    def current(self) -> Finding | None:
        """The finding under the cursor."""
        return self.findings[self.place] if self.place < len(self.findings) else None

    def watch_findings(self, before: tuple[Finding, ...], findings: tuple[Finding, ...]) -> None:
        """The cursor stays on the finding it was on, where there still is one like it."""
        was = before[self.place] if self.place < len(before) else None
        places = [n for n, each in enumerate(findings) if was and _key(each) == _key(was)]
        self.place = places[0] if places else 0
        self.virtual_size = Size(self.size.width, len(findings))
        self.refresh()

    def watch_place(self, before: int, place: int) -> None:
        self.scroll_to_region(Region(0, place, 1, 1), animate=False)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def render_line(self, y: int) -> Strip:
        place = y + self.scroll_offset.y
        if place >= len(self.findings):
            return self._painter.strip((), self.size.width)
        pointer = Span("› ", "accent") if place == self.place else Span("  ")
        return self._painter.strip((pointer, *title(self.findings[place])), self.size.width)

    def on_click(self, event: Click) -> None:
        found = event.get_content_offset(self)
        place = -1 if found is None else found.y + self.scroll_offset.y
        if 0 <= place < len(self.findings):
            if place == self.place:
                self.action_choose()
            self.place = place

    def action_move(self, places: int) -> None:
        self.place = max(0, min(self.place + places, len(self.findings) - 1))

    def action_choose(self) -> None:
        if (finding := self.current) is not None:
            self.post_message(self.Chosen(finding))


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.path
