"""A tree as a table, virtual: only the rows in view are drawn, each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from nninspect.protocol.layer_table import LayerTable
from nninspect.ui import column_widths, columns
from nninspect.ui.measures import Measure, Times, measure
from nninspect.ui.row_painter import COMPONENTS, Findings, RowPainter
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.view import View

if TYPE_CHECKING:
    from nninspect.export.layers import Sight

HEADER = 1
"""Rows of the table's own header; it stays when the rows scroll."""
KEPT_STRIPS = 4_096


Highlighted: TypeAlias = tuple[LayerTable, tuple[int, ...]]
"""A row of a tree; or the rows of a run, where one stands for them."""


class TreeTable(ScrollView, can_focus=True):
    """It shows a `TreeModel` and keeps its cursor in view."""

    COMPONENT_CLASSES = COMPONENTS
    ALLOW_SELECT = False

    model: reactive[TreeModel | None] = reactive(None)
    view: reactive[View] = reactive(View())
    times: reactive[Times | None] = reactive(None)
    """Seconds by module path, where a benchmark took them."""
    findings: reactive[Mapping[str, str]] = reactive({})
    """The severity of the worst finding by path: "error", "warning" or "info"."""
    highlighted: reactive[Highlighted | None] = reactive(None, repaint=False)
    """What is under the cursor; others watch it, to be drawn in the same frame."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted: dict[str, int] = {}
        self._painter: RowPainter | None = None
        self._columns: tuple[columns.Column, ...] = ()
        self._strips: LRUCache[tuple[int, ...], Strip] = LRUCache(KEPT_STRIPS)
        self._drawn_place = 0

    def watch_model(self, model: TreeModel | None) -> None:
        self._wanted = column_widths.measure(model.table, model.runs) if model else {}
        self._lay_out()
        self.update_rows()

    def watch_view(self, before: View, view: View) -> None:
        self._lay_out()
        if (before.everything, before.picked) != (view.everything, view.picked):
            self.scroll_to(x=0, animate=False)

    def watch_times(self) -> None:
        self._lay_out()

    def watch_findings(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()
        self._bring_into_view()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lay_out()

    def _lay_out(self) -> None:
        """Choose the columns anew; every strip is drawn again."""
        self._strips.clear()
        if self.model is None or not self._wanted:
            self._painter = None
            return
        width = self.scrollable_content_region.width - 1  # a gap before the scroll bar
        chosen = columns.choose(self._wanted, width, self.view)
        self._columns = chosen
        found = self._found(self.model.table)
        self._painter = RowPainter(self, self.model, chosen, self.view, self.measure, found)
        self._set_virtual_size()
        self.refresh()

    @property
    def measure(self) -> Measure:
        """What the shares are of, in the tree as it is sorted."""
        assert self.model is not None
        return measure(self.model.table, self.view.measure, self.times)

    @property
    def sight(self) -> Sight:
        """What is in view, as it is exported; the type, which may stand beside the name, too."""
        from nninspect.export.layers import Sight

        model, share = self.model, self.measure
        assert model is not None
        return Sight(
            model.table,
            [model.stands_for(row) for row in model.rows],
            (*self.shown_columns, "type"),
            model.kept,
            share.key,
            share.values,
        )

    def _found(self, table: LayerTable) -> Findings:
        rows = ((table.find(path), severity) for path, severity in self.findings.items())
        return {row: severity for row, severity in rows if row is not None}

    @property
    def shown_columns(self) -> tuple[str, ...]:
        return tuple(column.key for column in self._columns)

    def column_at(self, x: int) -> str:
        """The key of the column that a cell of the table is in."""
        for column in self._columns:
            x -= column.width + columns.GAP
            if x < 0:
                return column.key
        return ""

    def _set_virtual_size(self) -> None:
        """As Textual does it, but the screen is laid out only when a scrollbar comes or goes."""
        rows = len(self.model.rows) if self.model else 0
        width = self._painter.width if self._painter else 0
        size = Size(width, rows + HEADER)
        if not self._fits_as_before(size):
            self.virtual_size = size
            return
        self.set_reactive(ScrollView.virtual_size, size)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_to(y=min(self.scroll_offset.y, self.max_scroll_y), animate=False)

    def _fits_as_before(self, size: Size) -> bool:
        """Whether a size needs the scrollbars that there are."""
        if self.show_horizontal_scrollbar or size.width > self.scrollable_content_region.width:
            return False
        view = self.container_size.height
        return self.show_vertical_scrollbar == (size.height > view)

    def watch_scroll_y(self, before: float, now: float) -> None:
        """As Textual does it, but the scrollbar is drawn anew only where its thumb moves."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = _seen_position(self.vertical_scrollbar, now)
        if round(before) != round(now):
            self.refresh(self.size.region)

    def update_rows(self) -> None:
        """Draw what the model has become: other rows, or another place of the cursor."""
        self._strips.clear()
        self._set_virtual_size()
        self._bring_into_view()
        self.refresh()
        self._tell()

    def update_cursor(self) -> None:
        """Draw the rows that the cursor left and reached."""
        if self.model is None or self.model.place == self._drawn_place:
            return
        for place in (self._drawn_place, self.model.place):
            y = place - self.scroll_offset.y + HEADER
            self.refresh(Region(0, y, self.size.width, 1))
        self._bring_into_view()
        self._tell()

    def _tell(self) -> None:
        if self.model is not None:
            self._drawn_place = self.model.place
            self.highlighted = self.model.table, self.model.stands_for(self.model.cursor)

    def _bring_into_view(self) -> None:
        if self.model is None:
            return
        place, top = self.model.place, self.scroll_offset.y
        height = self.page_rows
        if not top <= place < top + height:
            self.scroll_to(y=place if place < top else place - height + 1, animate=False)

    @property
    def page_rows(self) -> int:
        """How many rows there is room for."""
        return max(1, self.scrollable_content_region.height - HEADER)

    def render_line(self, y: int) -> Strip:
        painter, model = self._painter, self.model
        width, left = self.size.width, self.scroll_offset.x
        if painter is None or model is None:
            return Strip.blank(width, self.rich_style)
        if y < HEADER:
            return painter.header().crop_extend(left, left + width, self.rich_style)
        place = y - HEADER + self.scroll_offset.y
        if place >= len(model.rows):
            return Strip.blank(width, self.rich_style)
        row = model.rows[place]
        under_cursor = row == model.cursor
        key = (row, under_cursor, left, width)
        strip = self._strips.get(key)
        if strip is None:
            strip = painter.row(row, under_cursor).crop_extend(left, left + width, self.rich_style)
            self._strips[key] = strip
        return strip


def _seen_position(bar: ScrollBar, position: float) -> float:
    """One of those that a scrollbar draws alike, as its thumb moves by an eighth of a cell."""
    rows, view, cells = bar.window_virtual_size, bar.window_size, bar.size.height
    steps = 8 * (cells - max(1.0, view * cells / rows)) if rows > view else 0
    rows_a_step = (rows - view) / steps if steps > 0 else 0
    return position if rows_a_step < 1 else (int(position / rows_a_step) + 0.5) * rows_a_step
