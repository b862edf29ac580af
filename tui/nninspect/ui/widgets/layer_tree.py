"""The layer tree with its keys and the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from nninspect.ui import columns
from nninspect.ui.jumps import Jumps, flow
from nninspect.ui.messages import Said
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.widgets.tree_table import HEADER, TreeTable

ROOT = 0
NO_FLOW = {
    "in": "what made its input is not known",
    "out": "nothing is known to use its output",
}


class LayerTree(TreeTable):
    """It moves the cursor and the folds of its model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "fold", id="layers.fold"),
        Binding("f", "ops", "ops", tooltip="hide or show the functions called", id="layers.ops"),
        Binding("u", "runs", "runs", tooltip="open or fold the runs of equals", id="layers.runs"),
        Binding("up,k", "move(-1)", "up", show=False, id="layers.up"),
        Binding("down,j", "move(1)", "down", show=False, id="layers.down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="layers.page_up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="layers.page_down"),
        Binding("home,g", "first", "first row", show=False, id="layers.first"),
        Binding("end,G", "last", "last row", show=False, id="layers.last"),
        Binding("left,h", "left", "fold, or to the parent", show=False, id="layers.left"),
        Binding("right,l", "right", "unfold, or one down", show=False, id="layers.right"),
        Binding("p", "parent", "to the parent", show=False, id="layers.parent"),
        Binding(
            "left_square_bracket",
            "flow('in')",
            "to what made its input",
            show=False,
            id="layers.producer",
        ),
        Binding(
            "right_square_bracket",
            "flow('out')",
            "to what uses its output",
            show=False,
            id="layers.consumer",
        ),
        Binding(
            "left_curly_bracket,right_curly_bracket",
            "another",
            "to another of several",
            show=False,
            id="layers.another",
        ),
        Binding("backspace", "back", "back, or to the parent", show=False, id="layers.back"),
        Binding("J", "sibling(1)", "next sibling", show=False, id="layers.next_sibling"),
        Binding("K", "sibling(-1)", "previous sibling", show=False, id="layers.previous_sibling"),
        Binding("z", "subtree", "fold or open the subtree", show=False, id="layers.subtree"),
        Binding("Z", "all", "fold or open everything", show=False, id="layers.all"),
        Binding("n", "match(1)", "next match", show=False, id="layers.next_match"),
        Binding("N", "match(-1)", "previous match", show=False, id="layers.previous_match"),
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

    @dataclass
    class TitleClicked(Message):
        column: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._jumps = Jumps()

    def watch_model(self, model: TreeModel | None) -> None:
        self._jumps = Jumps()
        super().watch_model(model)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that would do nothing in this tree are not offered."""
        if self.model is None:
            return False
        needed = {"ops": self.model.has_ops, "runs": bool(self.model.runs.members)}
        return needed.get(action, True)

    def action_move(self, places: int) -> None:
        if self.model:
            self.model.move_by(places)
            self.update_cursor()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self.page_rows)

    def action_first(self) -> None:
        if self.model:
            self.model.move_to(0)
            self.update_cursor()

    def action_last(self) -> None:
        if self.model:
            self.model.move_to(len(self.model.rows))
            self.update_cursor()

    def action_parent(self) -> None:
        if self.model:
            self.model.to_parent()
            self.update_cursor()

    def action_flow(self, way: str) -> None:
        """To what made the input of the row, or to what uses its output."""
        if self.model and not self.jump(
            flow(self.model.table, self.model.stands_for(self.model.cursor), way)
        ):
            self.post_message(Said(NO_FLOW[way]))

    def jump(self, rows: tuple[int, ...]) -> bool:
        """To the first of some rows; False where there is none."""
        assert self.model is not None
        return self._reveal(self._jumps.jump(self.model.cursor, rows))

    def tour(self, rows: tuple[int, ...]) -> bool:
        """To the first of some rows, asked again to the next; False where there is none."""
        if self._jumps.goals == rows and rows:
            self.action_another()
            return True
        return self.jump(rows)

    def action_another(self) -> None:
        self._reveal(self._jumps.another())

    def action_back(self) -> None:
        if not self._reveal(self._jumps.back()):
            self.action_parent()

    def _reveal(self, row: int | None) -> bool:
        if self.model is None or row is None:
            return False
        self.model.reveal(max(row, ROOT))
        self.update_rows()
        return True

    def action_sibling(self, step: int) -> None:
        if self.model:
            self.model.to_sibling(step)
            self.update_cursor()

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
        elif model.fold_run(model.cursor):
            self.update_rows()
        else:
            self.action_parent()

    def action_right(self) -> None:
        if (model := self.model) is None:
            return
        if model.is_open(model.cursor):
            self.action_move(1)
        elif model.is_closed(model.cursor):
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

    def action_runs(self) -> None:
        if self.model:
            self.model.toggle_runs()
            self.update_rows()

    def action_pan(self, cells: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click selects; on a marker, or twice anywhere, it folds as well; a title sorts."""
        if event.y < HEADER:
            self.post_message(self.TitleClicked(self.column_at(event.x + self.scroll_offset.x)))
        place = event.y - HEADER + self.scroll_offset.y
        if (model := self.model) is None or event.y < HEADER or place >= len(model.rows):
            return
        model.move_to(place)
        self.update_cursor()
        if event.chain == 2 or self._is_marker(model.cursor, event.x + self.scroll_offset.x):
            self.action_fold()

    def _is_marker(self, row: int, x: int) -> bool:
        assert self.model is not None
        start = columns.INDENT * self.model.table.depth[row]
        return start <= x < start + columns.MARKER
