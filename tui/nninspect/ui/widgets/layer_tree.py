"""The layer tree as a table, virtual: only the rows in view are drawn, each once."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from nninspect.protocol.layer_table import LayerTable
from nninspect.ui import columns
from nninspect.ui.row_painter import COMPONENTS, RowPainter
from nninspect.ui.tree_model import TreeModel

HEADER = 1
"""Rows of the table's own header; it stays when the rows scroll."""
KEPT_STRIPS = 4_096


class LayerTree(ScrollView, can_focus=True):
    """It shows a `TreeModel` and moves its cursor and its folds."""

    COMPONENT_CLASSES = COMPONENTS
    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "fold", id="layers.fold"),
        Binding("f", "ops", "ops", tooltip="hide or show the functions called", id="layers.ops"),
        Binding("up,k", "move(-1)", "up", show=False, id="layers.up"),
        Binding("down,j", "move(1)", "down", show=False, id="layers.down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="layers.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="layers.page_down"),
        Binding("home,g", "first", "first row", show=False, id="layers.first"),
        Binding("end,G", "last", "last row", show=False, id="layers.last"),
        Binding("left,h", "left", "fold, or to the parent", show=False, id="layers.left"),
        Binding("right,l", "right", "unfold, or one down", show=False, id="layers.right"),
        Binding("p,backspace", "parent", "to the parent", show=False, id="layers.parent"),
        Binding("J", "sibling(1)", "next sibling", show=False, id="layers.next_sibling"),
        Binding("K", "sibling(-1)", "previous sibling", show=False, id="layers.previous_sibling"),
        Binding("z", "subtree", "fold or open the subtree", show=False, id="layers.subtree"),
        Binding("Z", "all", "fold or open everything", show=False, id="layers.all"),
        Binding("n", "match(1)", "next match", show=False, id="layers.next_match"),
        Binding("N", "match(-1)", "previous match", show=False, id="layers.previous_match"),
        Binding("w", "everything", "every column, in full", show=False, id="layers.columns"),
        Binding(
            "shift+left,less_than_sign", "pan(-8)", "pan left", show=False, id="layers.pan_left"
        ),
        Binding(
            "shift+right,greater_than_sign",
            "pan(8)",
            "pan right",
            show=False,
            id="layers.pan_right",
        ),
    ]

    model: reactive[TreeModel | None] = reactive(None)
    everything: reactive[bool] = reactive(False)
    """Every column at full width, to be panned through, whatever the width."""
    highlighted: reactive[tuple[LayerTable, int] | None] = reactive(None, repaint=False)
    """The row under the cursor; others watch it, to be drawn in the same frame."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted: dict[str, int] = {}
        self._painter: RowPainter | None = None
        self._strips: LRUCache[tuple[int, ...], Strip] = LRUCache(KEPT_STRIPS)
        self._drawn_place = 0

    # what is shown

    def watch_model(self, model: TreeModel | None) -> None:
        self._wanted = columns.measure(model.table) if model else {}
        self._lay_out()
        self.update_rows()

    def watch_everything(self) -> None:
        self._lay_out()
        self.scroll_to(x=0, animate=False)

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
        chosen = columns.choose(self._wanted, width, self.everything)
        self._painter = RowPainter(self, self.model, chosen)
        self._set_virtual_size()
        self.refresh()

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

    def update_rows(self) -> None:
        """Draw what the model has become: other rows, or another place of the cursor."""
        self._strips.clear()
        self._set_virtual_size()
        self._bring_into_view()
        self.refresh()
        self._tell()

    def _update_cursor(self) -> None:
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
            self.highlighted = (self.model.table, self.model.cursor)

    def _bring_into_view(self) -> None:
        if self.model is None:
            return
        place, top = self.model.place, self.scroll_offset.y
        height = self._page_rows
        if not top <= place < top + height:
            self.scroll_to(y=place if place < top else place - height + 1, animate=False)

    @property
    def _page_rows(self) -> int:
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

    # keys and the mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that would do nothing in this tree are not offered."""
        if self.model is None:
            return False
        return action != "ops" or self.model.has_ops

    def action_move(self, places: int) -> None:
        if self.model:
            self.model.move_by(places)
            self._update_cursor()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._page_rows)

    def action_first(self) -> None:
        if self.model:
            self.model.move_to(0)
            self._update_cursor()

    def action_last(self) -> None:
        if self.model:
            self.model.move_to(len(self.model.rows))
            self._update_cursor()

    def action_parent(self) -> None:
        if self.model:
            self.model.to_parent()
            self._update_cursor()

    def action_sibling(self, step: int) -> None:
        if self.model:
            self.model.to_sibling(step)
            self._update_cursor()

    def action_match(self, step: int) -> None:
        if self.model:
            self.model.to_match(step)
            self.update_rows()

    def action_fold(self) -> None:
        if self.model:
            self.model.toggle(self.model.cursor)
            self.update_rows()

    def action_left(self) -> None:
        if (model := self.model) is None:
            return
        if model.is_open(model.cursor):
            self.action_fold()
        else:
            self.action_parent()

    def action_right(self) -> None:
        if (model := self.model) is None:
            return
        if model.is_open(model.cursor):
            self.action_move(1)
        elif model.has_children(model.cursor):
            self.action_fold()

    def action_subtree(self) -> None:
        if self.model:
            self.model.toggle_subtree(self.model.cursor)
            self.update_rows()

    def action_all(self) -> None:
        if self.model:
            self.model.toggle_all()
            self.update_rows()

    def action_ops(self) -> None:
        if self.model:
            self.model.toggle_ops()
            self.update_rows()

    def action_everything(self) -> None:
        self.everything = not self.everything

    def action_pan(self, cells: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click selects; on a marker, or twice anywhere, it folds as well."""
        place = event.y - HEADER + self.scroll_offset.y
        if (model := self.model) is None or event.y < HEADER or place >= len(model.rows):
            return
        model.move_to(place)
        self._update_cursor()
        if event.chain == 2 or self._is_marker(model.cursor, event.x + self.scroll_offset.x):
            self.action_fold()

    def _is_marker(self, row: int, x: int) -> bool:
        assert self.model is not None
        start = columns.INDENT * self.model.table.depth[row]
        return start <= x < start + columns.MARKER
