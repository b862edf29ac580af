"""One row of the tree table as a strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from nninspect.protocol.layers import Kind, Mark
from nninspect.text.layer_cells import CELLS, marks_of, name_of, type_of
from nninspect.text.layers import OP
from nninspect.ui.columns import GAP, INDENT, RIGHT, SHARED, Column, share_cell, title_of
from nninspect.ui.measures import Measure
from nninspect.ui.spans import crop, ink, pad
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.view import View

FOUND = {"error": "✗", "warning": "!", "info": "•"}
"""Beside the marker of a row that there is a finding on, by the severity of the gravest."""
Findings: TypeAlias = Mapping[int, str]
"""Rows with their severity, "error", "warning" or "info"."""

ROLES = (
    "header",
    "marker",
    "name",
    "op",
    "type",
    "figures",
    "dim",
    "failed",
    "mark",
    "bar",
    "error",
    "warning",
    "info",
)
COMPONENTS = {f"layer-tree--{role}" for role in (*ROLES, "cursor")}


class RowPainter:
    """It draws rows of one model in one set of columns, in the styles of one widget."""

    def __init__(
        self,
        widget: Widget,
        model: TreeModel,
        columns: tuple[Column, ...],
        view: View,
        measure: Measure,
        findings: Findings,
    ) -> None:
        self._model = model
        self._view = view
        self._measure = measure
        self._findings = findings
        self._columns = columns
        self._has_types = any(column.key == "type" for column in columns)
        self.width = sum(column.width for column in columns) + GAP * (len(columns) - 1)
        self._plain = _styles(widget, widget.rich_style)
        self._cursor = _styles(widget, widget.get_component_rich_style("layer-tree--cursor"))
        self._cursor["dim"] = self._cursor["type"]  # to be read on the cursor's background

    def header(self) -> Strip:
        """The titles."""
        cells = (
            pad(title_of(key, self._measure, self._view), width, key in RIGHT)
            for key, width in self._columns
        )
        text = (" " * GAP).join(cells)
        return Strip([Segment(text, self._plain["header"])], self.width)

    def row(self, row: int, under_cursor: bool) -> Strip:
        styles = self._cursor if under_cursor else self._plain
        marks = self._model.table.marks[row]
        rows = self._model.stands_for(row)
        segments = self._label(row, rows, styles) + self._figures(rows, styles)
        if marks & Mark.FAILED:
            segments = [Segment(text, styles["failed"]) for text, *_ in segments]
        elif marks & Mark.UNCALLED or not self._model.is_match(row):
            segments = [Segment(text, styles["dim"]) for text, *_ in segments]
        return Strip(segments, self.width)

    def _label(self, row: int, rows: Sequence[int], styles: dict[str, Style]) -> list[Segment]:
        """Marker and name, and the type after it where it has no column of its own."""
        table = self._model.table
        kind, marks = type_of(table, rows), marks_of(table, rows)
        start = " " * INDENT * table.depth[row] + self._marker(row)
        width = self._columns[0].width
        if self._has_types:
            name = pad(start + name_of(table, rows), width)
            return [*self._started(row, start, name, styles), *self._type(kind, marks, styles)]
        name = crop(start + name_of(table, rows), width)
        room = width - cell_len(name) - 1
        segments = self._started(row, start, name, styles)
        if room > 1 and kind:
            kind = _crop_before(kind, marks, room)
            segments += [Segment(" ", styles["type"]), *_marked(kind, marks, styles)]
        used = sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * (width - used), styles["type"])]

    def _type(self, kind: str, marks: str, styles: dict[str, Style]) -> list[Segment]:
        width = next(column.width for column in self._columns if column.key == "type")
        gap = Segment(" " * GAP, styles["type"])
        return [gap, *_marked(pad(kind, width), marks, styles)]

    def _figures(self, rows: Sequence[int], styles: dict[str, Style]) -> list[Segment]:
        gap = " " * GAP
        return [
            Segment(
                gap + pad(self._cell(key, rows), width, key in RIGHT),
                styles["bar" if key == "bar" else "figures"],
            )
            for key, width in self._columns
            if key in CELLS or key in SHARED
        ]

    def _cell(self, key: str, rows: Sequence[int]) -> str:
        if key in SHARED:
            return share_cell(key, self._measure, rows)
        return CELLS[key](self._model.table, rows)

    def _started(self, row: int, start: str, name: str, styles: dict[str, Style]) -> list[Segment]:
        """The marker in its own style, as far as the cropped name still has it."""
        place = min(len(start), len(name))
        style = styles["op" if self._is_op(row) else "name"]
        marker = styles[self._findings.get(row, "marker")]
        return [Segment(name[:place], marker), Segment(name[place:], style)]

    def _marker(self, row: int) -> str:
        if row not in self._model.folded_runs and not self._model.has_children(row):
            marker = OP if self._is_op(row) else "·"
        else:
            marker = "▸" if self._model.is_closed(row) else "▾"
        return marker + FOUND.get(self._findings.get(row, ""), " ")

    def _is_op(self, row: int) -> bool:
        return self._model.table.kind[row] == Kind.OP


def _crop_before(kind: str, marks: str, width: int) -> str:
    """The type cropped to a width, for as long as there is room without losing its marks."""
    kept = width - cell_len(marks) - 1
    if cell_len(kind) <= width or not marks or kept < 1:
        return crop(kind, width)
    return f"{crop(kind.removesuffix(marks).rstrip(), kept)} {marks}"


def _marked(kind: str, marks: str, styles: dict[str, Style]) -> list[Segment]:
    """The type with the marks in it in their own style."""
    before, found, after = kind.partition(marks) if marks else (kind, "", "")
    return [
        Segment(before, styles["type"]),
        Segment(found, styles["mark"]),
        Segment(after, styles["type"]),
    ]


def _styles(widget: Widget, base: Style) -> dict[str, Style]:
    background = widget.background_colors[1]
    components = {role: widget.get_component_styles(f"layer-tree--{role}") for role in ROLES}
    return {role: base + ink(found, background) for role, found in components.items()}
