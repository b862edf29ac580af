"""Where in the model the weight is, as one line: each part as wide as its share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN
from nninspect.text import units
from nninspect.text.plain import plain
from nninspect.ui.measures import Measure
from nninspect.ui.spans import Span, crop, pad
from nninspect.ui.widgets.line import Line

LEAST_NAME = 3
"""A narrower part has no room to say its name."""


@dataclass(frozen=True, eq=False)
class Extent:
    """What is measured, and the row that stands out."""

    table: LayerTable
    row: int
    measure: Measure


class MapLine(Line):
    """The parts of the module that the cursor is on, or in; a click goes to one. The name of the
    part that it is in stands out, not all of it: that would be drawn anew at each step."""

    extent: reactive[Extent | None] = reactive(None)

    @dataclass
    class Jumped(Message):
        row: int

    def watch_extent(self) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def action_jump(self, row: int) -> None:
        self.post_message(self.Jumped(row))

    def _write(self) -> None:
        if self.extent is not None:
            self.spans = tuple(_spans(self.extent, self.content_size.width))


def _spans(extent: Extent, width: int) -> Iterator[Span]:
    table, measure = extent.table, extent.measure
    whole = _opened(table, extent.row)
    name = plain(table.path(whole)) or plain(table.texts[table.type[whole]])
    share = units.percent(measure.of((whole,)), measure.whole)
    title = crop(f" {name}: {share} of {measure.title} ", width // 2)
    yield Span(title, "dim")
    parts = [row for row in table.children(whole) if measure.values[row] > 0]
    sizes = cells([measure.values[row] for row in parts], width - cell_len(title))
    for number, (row, size) in enumerate(zip(parts, sizes, strict=True)):
        label, action = _label(table, row, size), f"jump({row})"
        if row <= extent.row < table.end[row]:
            here = label.rstrip() + " " if label.strip() else label
            yield Span(label[: len(here)], "active", action)
            label = label[len(here) :]
        yield Span(label, ("even", "odd")[number % 2], action)


def _opened(table: LayerTable, row: int) -> int:
    """The row itself where it has parts, else what it is a part of."""
    if table.end[row] > row + 1 or table.parent[row] == UNKNOWN:
        return row
    return table.parent[row]


def _label(table: LayerTable, row: int, width: int) -> str:
    name = plain(table.texts[table.name[row]])
    return pad(f" {name}" if width > LEAST_NAME else "", width)


def cells(values: Sequence[float], width: int) -> list[int]:
    """So many cells each that all together fill the width, as near to their shares as can be."""
    whole = sum(values)
    edges, reached = [0], 0.0
    for value in values:
        reached += value
        edges.append(round(max(width, 0) * reached / whole))
    return [after - before for before, after in pairwise(edges)]
