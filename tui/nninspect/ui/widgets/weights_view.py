"""The Weights tab: every parameter and buffer, its share, its dtype and how its values are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.weights import TensorStats
from nninspect.text import units, weights
from nninspect.ui import weights_rows as rows
from nninspect.ui.hints import Hint, key_spans
from nninspect.ui.spans import Span, pad
from nninspect.ui.widgets.line import Line
from nninspect.ui.widgets.line_list import FRAME, LineList, OnDemand, Spans

if TYPE_CHECKING:
    from nninspect.ui.offers import Offer

GAP = "  "
NOTHING = Hint("weights.look", "looks at every tensor's values")


class WeightsView(Container):
    """A line that sums up, and a sorted table; enter goes to the layer of a tensor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="sort by the next column", id="weights.sort"),
        Binding("S", "reverse", "sort the other way round", show=False, id="weights.reverse"),
    ]

    tensors: reactive[tuple[TensorStats, ...] | None] = reactive(None, repaint=False)
    sort: reactive[str] = reactive("share", repaint=False)
    backwards: reactive[bool] = reactive(False, repaint=False)

    @dataclass
    class Followed(Message):
        """The layer that holds a tensor is asked for."""

        path: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line = Line()
        self.rows = LineList(id="weights-rows", leads=True)
        self.shown: tuple[TensorStats, ...] = ()
        """The tensors in the order that they are in view."""
        self._cells: list[dict[str, str]] = []
        self._widths: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        yield self._line
        yield self.rows

    def watch_tensors(self) -> None:
        self._arrange()
        self.rows.place = 0

    def watch_sort(self) -> None:
        self._arrange()

    def watch_backwards(self) -> None:
        self._arrange()

    def on_resize(self) -> None:
        self._lay_out()

    def offers(self) -> Iterator[Offer]:
        """What there is to copy of the tensor under the cursor."""
        from nninspect.ui import offers

        if self.rows.place < len(self.shown):
            whole = sum(stats.size for stats in self.shown)
            yield from offers.of_tensor(self.shown[self.rows.place], whole)

    def _arrange(self) -> None:
        self.shown = rows.arranged(self.tensors or (), self.sort, self.backwards)
        whole = sum(stats.size for stats in self.shown)
        self._cells = [rows.cells(stats, whole) for stats in self.shown]
        if self.tensors is None:
            self._line.spans = key_spans(self, NOTHING)
        else:
            self._line.spans = (Span(self._summary(), "dim"),)
        self._lay_out()

    def _lay_out(self) -> None:
        titles = rows.titles(self.sort, self.backwards)
        self._widths = _widths(self._cells, titles, self.size.width - FRAME)
        self.rows.titles = (Span(self._aligned(titles), "dim"),) if self.shown else ()
        self.rows.lines = OnDemand(len(self._cells), self._row)

    def _row(self, place: int) -> Spans:
        stats = self.shown[place]
        style = "bad" if weights.is_broken(stats) else ""
        if weights.health(stats) not in (weights.FINE, units.UNKNOWN):
            style = style or "warn"
        return (Span(self._aligned(self._cells[place]), style),)

    def _summary(self) -> str:
        assert self.tensors is not None
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

    def action_sort(self) -> None:
        self._sort_by(rows.SORTS[(rows.SORTS.index(self.sort) + 1) % len(rows.SORTS)])

    def action_reverse(self) -> None:
        self.backwards = not self.backwards

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        self.post_message(self.Followed(self.shown[event.place].module))

    def on_line_list_title_clicked(self, event: LineList.TitleClicked) -> None:
        """Sort by its column; by what it is sorted by already, the other way round."""
        x = event.x
        for key, width in self._widths.items():
            x -= width + len(GAP)
            if x < 0:
                self._click(key)
                return

    def _click(self, key: str) -> None:
        key = "share" if key in ("bar", "count") else key
        if key == self.sort:
            self.action_reverse()
        elif key in rows.SORTS:
            self._sort_by(key)

    def _sort_by(self, key: str) -> None:
        self.backwards = False
        self.sort = key


def _widths(cells: Sequence[dict[str, str]], titles: dict[str, str], room: int) -> dict[str, int]:
    """The columns that fit, each as wide as its widest cell; the path is cropped last."""
    widths = {
        key: max([cell_len(title), *(cell_len(row[key]) for row in cells)])
        for key, title in titles.items()
    }
    for key in rows.LEAST_WANTED:
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) <= room:
            return widths
        del widths[key]
    excess = sum(widths.values()) + len(GAP) * (len(widths) - 1) - room
    widths["path"] = max(1, widths["path"] - max(0, excess))
    return widths
