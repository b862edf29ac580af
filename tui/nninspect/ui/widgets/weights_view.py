"""Every parameter and buffer of the model: its share, its dtype and how its values are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.protocol.weights import TensorStats
from nninspect.text import units, weights
from nninspect.ui import weights_rows as rows
from nninspect.ui.spans import SPAN_STYLES, Span, SpanPainter, pad

if TYPE_CHECKING:
    from nninspect.ui.offers import Offer

GAP = "  "
HEADER = 2
"""The line that sums up, and the titles."""
NOTHING = "nothing was looked at yet: v looks at every tensor's values"


class WeightsView(ScrollView, can_focus=True):
    """A sorted table with a cursor; enter goes to the layer of a tensor."""

    COMPONENT_CLASSES = SPAN_STYLES
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "follow", "to the layer", id="weights.follow"),
        Binding("s", "sort", "sort", tooltip="sort by the next column", id="weights.sort"),
        Binding("S", "reverse", "sort the other way round", show=False, id="weights.reverse"),
        Binding("up,k", "move(-1)", "up", show=False, id="weights.up"),
        Binding("down,j", "move(1)", "down", show=False, id="weights.down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="weights.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="weights.page_down"),
        Binding("home,g", "move(-1000000)", "first", show=False, id="weights.first"),
        Binding("end,G", "move(1000000)", "last", show=False, id="weights.last"),
    ]

    tensors: reactive[tuple[TensorStats, ...] | None] = reactive(None, repaint=False)
    sort: reactive[str] = reactive("share", repaint=False)
    backwards: reactive[bool] = reactive(False, repaint=False)
    place: reactive[int] = reactive(0)

    @dataclass
    class Followed(Message):
        """The layer that holds a tensor is asked for."""

        path: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._painter = SpanPainter(self)
        self._shown: tuple[TensorStats, ...] = ()
        self._cells: list[dict[str, str]] = []
        self._widths: dict[str, int] = {}

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def watch_tensors(self) -> None:
        self._arrange()
        self.place = 0

    def watch_sort(self) -> None:
        self._arrange()

    def watch_backwards(self) -> None:
        self._arrange()

    def watch_place(self, place: int) -> None:
        top, height = self.scroll_offset.y, self._page
        if not top <= place < top + height:
            self.scroll_to(y=place if place < top else place - height + 1, animate=False)

    def on_resize(self) -> None:
        self._lay_out()

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - HEADER)

    @property
    def shown(self) -> tuple[TensorStats, ...]:
        """The tensors in the order that they are in view."""
        return self._shown

    def offers(self) -> Iterator[Offer]:
        """What there is to copy of the tensor under the cursor."""
        from nninspect.ui import offers

        if self.place < len(self._shown):
            whole = sum(stats.size for stats in self._shown)
            yield from offers.of_tensor(self._shown[self.place], whole)

    def _arrange(self) -> None:
        self._shown = rows.arranged(self.tensors or (), self.sort, self.backwards)
        whole = sum(stats.size for stats in self._shown)
        self._cells = [rows.cells(stats, whole) for stats in self._shown]
        self._lay_out()

    def _lay_out(self) -> None:
        room = self.scrollable_content_region.width - 1
        self._widths = _widths(self._cells, room)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._cells) + HEADER)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return self._painter.strip(self._line(y), self.size.width)

    def _line(self, y: int) -> tuple[Span, ...]:
        if y == 0:
            return (Span(self._summary(), "dim"),)
        if y == 1:
            return (Span(self._aligned(rows.TITLES), "dim"),)
        place = y - HEADER + self.scroll_offset.y
        if place >= len(self._cells):
            return ()
        stats = self._shown[place]
        style = "bad" if weights.is_broken(stats) else ""
        if weights.health(stats) not in (weights.FINE, units.UNKNOWN):
            style = style or "warn"
        return (
            Span(self._aligned(self._cells[place]), "active" if place == self.place else style),
        )

    def _summary(self) -> str:
        if self.tensors is None:
            return NOTHING
        broken = sum(map(weights.is_broken, self.tensors))
        size = units.size(sum(stats.size for stats in self.tensors))
        found = f", {broken} with NaN or Inf" if broken else ""
        way = " the other way round" if self.backwards else ""
        tensors = units.counted(len(self.tensors), "tensor")
        title = rows.TITLES[self.sort] if self.sort != "share" else "share of bytes"
        return f"{tensors}, {size}{found}; by {title}{way}"

    def _aligned(self, cells: dict[str, str]) -> str:
        return GAP.join(
            pad(cells[key], width, key in rows.RIGHT) for key, width in self._widths.items()
        )

    def action_move(self, places: int) -> None:
        self.place = max(0, min(self.place + places, len(self._shown) - 1))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._page)

    def action_sort(self) -> None:
        self.backwards = False
        self.sort = rows.SORTS[(rows.SORTS.index(self.sort) + 1) % len(rows.SORTS)]

    def action_reverse(self) -> None:
        self.backwards = not self.backwards

    def action_follow(self) -> None:
        if self.place < len(self._shown):
            self.post_message(self.Followed(self._shown[self.place].module))

    def on_click(self, event: events.Click) -> None:
        """A click selects, two go to the layer."""
        place = event.y - HEADER + self.scroll_offset.y
        if event.y >= HEADER and place < len(self._shown):
            self.place = place
            if event.chain == 2:
                self.action_follow()


def _widths(cells: list[dict[str, str]], room: int) -> dict[str, int]:
    """The columns that fit, each as wide as its widest cell; the path is cropped last."""
    widths = {
        key: max([cell_len(title), *(cell_len(row[key]) for row in cells)])
        for key, title in rows.TITLES.items()
    }
    for key in rows.LEAST_WANTED:
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) <= room:
            return widths
        del widths[key]
    excess = sum(widths.values()) + len(GAP) * (len(widths) - 1) - room
    widths["path"] = max(1, widths["path"] - max(0, excess))
    return widths
