"""Lines with a cursor, under a line of titles where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias, overload

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.ui.spans import Span, SpanPainter

Spans: TypeAlias = tuple[Span, ...]

POINTER = Span("› ", "accent")
NO_POINTER = Span("  ")
FRAME = 5
"""Cells beside a line: the pointer, the paddings, and the scroll bar."""


class OnDemand(Sequence[Spans]):
    """So many lines, each made when it is drawn."""

    def __init__(self, count: int, make: Callable[[int], Spans]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Spans: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Spans]: ...
    def __getitem__(self, place: int | slice) -> Spans | Sequence[Spans]:
        if isinstance(place, slice):
            return [self._make(each) for each in range(self._count)[place]]
        return self._make(range(self._count)[place])


class LineList(ScrollView, can_focus=True):
    """It shows `lines`; enter, or a click on the line of the cursor, chooses one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--cursor"}
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next line", show=False, id="lines.next"),
        Binding("up,k", "move(-1)", "line before", show=False, id="lines.previous"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="lines.page_down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="lines.page_up"),
        Binding("home,g", "move(-1000000)", "first line", show=False, id="lines.first"),
        Binding("end,G", "move(1000000)", "last line", show=False, id="lines.last"),
        Binding("enter", "choose", "to its layer", id="lines.choose"),
    ]

    lines: reactive[Sequence[Spans]] = reactive((), repaint=False)
    titles: reactive[Spans] = reactive(())
    place: reactive[int] = reactive(0)
    """Of the cursor."""

    class Chosen(Message):
        """The line of the cursor was chosen."""

        def __init__(self, shown: LineList, place: int) -> None:
            self.shown = shown
            self.place = place
            super().__init__()

        @property
        def control(self) -> LineList:
            return self.shown

    class TitleClicked(Message):
        """A cell of the titles was clicked."""

        def __init__(self, x: int) -> None:
            self.x = x
            super().__init__()

    def __init__(self, *, id: str | None = None, leads: bool = False) -> None:
        """`leads`: a line stands for a layer, and enter leads there."""
        super().__init__(id=id)
        self._leads = leads
        self._painter = SpanPainter(self)
        self._cursor = SpanPainter(self, "line-list--cursor")

    @property
    def _above(self) -> int:
        """Rows that the titles take."""
        return 1 if self.titles else 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter is offered where it leads somewhere."""
        return action != "choose" or self._leads

    def watch_lines(self) -> None:
        self.place = max(0, min(self.place, len(self.lines) - 1))
        self.virtual_size = Size(self.size.width, len(self.lines) + self._above)
        self.refresh()

    def watch_titles(self) -> None:
        self.watch_lines()

    def watch_place(self, before: int, place: int) -> None:
        """The line of the cursor comes into view below the titles, which always stand on top."""
        self.scroll_to_region(Region(0, place, 1, 1 + self._above), animate=False)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()
        self._cursor.forget()

    def render_line(self, y: int) -> Strip:
        if y < self._above:
            return self._painter.strip((NO_POINTER, *self.titles), self.size.width)
        place = y - self._above + self.scroll_offset.y
        if place >= len(self.lines):
            return self._painter.strip((), self.size.width)
        pointer, painter = NO_POINTER, self._painter
        if place == self.place:
            pointer, painter = POINTER, self._cursor
        return painter.strip((pointer, *self.lines[place]), self.size.width)

    def on_click(self, event: Click) -> None:
        found = event.get_content_offset(self)
        if found is not None and found.y < self._above:
            self.post_message(self.TitleClicked(found.x - len(POINTER.text)))
            return
        place = -1 if found is None else found.y - self._above + self.scroll_offset.y
        if 0 <= place < len(self.lines):
            if place == self.place and self._leads:
                self.action_choose()
            self.place = place

    def action_move(self, places: int) -> None:
        self.place = max(0, min(self.place + places, len(self.lines) - 1))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - self._above - 1))

    def action_choose(self) -> None:
        if self.place < len(self.lines):
            self.post_message(self.Chosen(self, self.place))
