"""A page whose links are gone through and followed by key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region
from textual.reactive import reactive

from nninspect.ui.spans import Span
from nninspect.ui.widgets.page import Page

NONE = -1
"""The place of no link."""


class Link(NamedTuple):
    """What following it runs, and the rows that it stands in."""

    action: str
    first: int
    last: int


class LinkPage(Page, can_focus=True):
    """Every span with an action is a link; one of them has the cursor while the page has the focus.

    A click on a link follows it and leaves the focus where it is; one beside it takes the focus.
    """

    FOCUS_ON_CLICK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "follow", "follow", tooltip="follow the link", id="page.follow"),
        Binding("down,j", "step(1)", "next link, or a line down", show=False, id="page.down"),
        Binding("up,k", "step(-1)", "link before, or a line up", show=False, id="page.up"),
        Binding("tab", "link(1)", "next link, then on", show=False, id="page.next_link"),
        Binding("shift+tab", "link(-1)", "link before, then back", show=False, id="page.link"),
        Binding("pagedown,ctrl+f,space", "page(1)", "page down", show=False, id="page.page_down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="page.page_up"),
        Binding("home,g", "edge(False)", "to the top", show=False, id="page.top"),
        Binding("end,G", "edge(True)", "to the end", show=False, id="page.end"),
        Binding("left,h", "screen.leave_page", "back to the rows", show=False, id="page.leave"),
    ]

    place: reactive[int] = reactive(NONE, repaint=False)
    """Of the cursor among the links."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.links: tuple[Link, ...] = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter is offered where there is a link to follow."""
        return action != "follow" or self.current is not None

    @property
    def current(self) -> Link | None:
        """The link of the cursor."""
        return self.links[self.place] if 0 <= self.place < len(self.links) else None

    def watch_place(self, before: int, place: int) -> None:
        for number in (before, place):
            if 0 <= number < len(self.links):
                self._refresh_link(self.links[number])
        if self.current is not None:
            self.scroll_to_region(self._region(self.current), animate=False)
        if NONE in (before, place):
            self.refresh_bindings()

    def on_focus(self) -> None:
        if self.current is None:
            self.place = next(iter(self._in_view()), NONE)
        else:
            self._refresh_link(self.current)

    def on_blur(self) -> None:
        if self.current is not None:
            self._refresh_link(self.current)

    def on_hide(self) -> None:
        if self.has_focus:
            self.call_later(self.run_action, "screen.leave_page")

    def spans_of(self, row: int) -> tuple[Span, ...]:
        spans, link = super().spans_of(row), self.current
        if link is None or not self.has_focus or not link.first <= row <= link.last:
            return spans
        return tuple(
            span._replace(style="active") if span.action == link.action else span for span in spans
        )

    async def on_click(self, event: Click) -> None:
        if not await self.clicked(event):
            self.focus()

    async def action_follow(self) -> None:
        if self.current is not None:
            await self.run_action(self.current.action)

    def action_step(self, places: int) -> None:
        """To the next link where that is in view or comes into it; else a row further."""
        number = self._next(places)
        top, height = self.scroll_offset.y, self.size.height
        if number is not None and top - 1 <= self.links[number].first <= top + height:
            self.place = number
        else:
            self.scroll_relative(y=places, animate=False)

    def action_link(self, places: int) -> None:
        """To the next link; from the last one to what the focus goes to next."""
        number = self._next(places)
        if number is not None:
            self.place = number
        elif places > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def action_page(self, pages: int) -> None:
        self.scroll_relative(y=pages * max(1, self.size.height - 1), animate=False)

    def action_edge(self, is_end: bool) -> None:
        self.scroll_to(y=self.max_scroll_y if is_end else 0, animate=False)
        if self.links:
            self.place = len(self.links) - 1 if is_end else 0

    def wrap_rows(self) -> None:
        """The cursor stays on the link it was on, where there still is one like it."""
        link = self.current
        super().wrap_rows()
        self.links = tuple(_links(self.rows))
        same = (n for n, each in enumerate(self.links) if link and each.action == link.action)
        self.place = next(same, 0 if self.has_focus and self.links else NONE)

    def _next(self, places: int) -> int | None:
        """The link after the cursor, or before it; of those in view where the cursor is not."""
        shown = self._in_view()
        if self.place in shown or not shown:
            number = self.place + places
            return number if 0 <= number < len(self.links) else None
        return shown[0] if places > 0 else shown[-1]

    def _in_view(self) -> list[int]:
        top, end = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        return [n for n, link in enumerate(self.links) if top <= link.first < end]

    def _region(self, link: Link) -> Region:
        return Region(0, link.first, 1, link.last - link.first + 1)

    def _refresh_link(self, link: Link) -> None:
        rows = link.last - link.first + 1
        self.refresh(Region(0, link.first - self.scroll_offset.y, self.size.width, rows))


def _links(rows: Iterable[tuple[Span, ...]]) -> list[Link]:
    """The links of some rows; one that is broken over several is one."""
    found: list[Link] = []
    for row, spans in enumerate(rows):
        for action in filter(None, (span.action for span in spans)):
            if found and found[-1].action == action and found[-1].last >= row - 1:
                found[-1] = found[-1]._replace(last=row)
            else:
                found.append(Link(action, row, row))
    return found
