"""The Layers tab: the tree, the layer under its cursor, what went wrong, and the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import reactive

from nninspect.protocol.records import Problem
from nninspect.text import units
from nninspect.ui.messages import Picture, Said
from nninspect.ui.spans import Paragraph
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.tree_state import keep
from nninspect.ui.widgets.detail import Detail, whole_model
from nninspect.ui.widgets.layer_tree import LayerTree
from nninspect.ui.widgets.notice import Notice
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.tree_table import Highlighted

if TYPE_CHECKING:
    from nninspect.ui.widgets.filter_input import FilterInput

OPEN_KEYS = (("r", "try again"), ("o", "open another"), ("3", "log"))
SHOWN_KEYS = (("r", "reload"), ("3", "log"), ("esc", "dismiss"))
DEAD_KEYS = (("R", "restart the worker"), ("3", "log"))


class LayersPane(Container):
    """It shows a `Picture`; another one of the same model keeps the cursor, folds and filter."""

    picture: reactive[Picture | None] = reactive(None)
    waiting: reactive[tuple[Paragraph, ...]] = reactive(())
    """What stands in the tree's place until there is one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-empty")
        self.layer_tree = LayerTree(id="tree")
        self._detail = Detail(id="detail")
        self._waiting = Page(id="waiting")
        self._notice = Notice(id="notice")

    def compose(self) -> ComposeResult:
        yield Container(self.layer_tree, self._detail, id="body")
        yield self._waiting
        yield self._notice

    @property
    def has_filter(self) -> bool:
        return self.layer_tree.model is not None and bool(self.layer_tree.model.query)

    def on_mount(self) -> None:
        self.watch(self.layer_tree, "highlighted", self._show_layer)

    def watch_picture(self, before: Picture | None, picture: Picture | None) -> None:
        self.set_class(picture is None, "-empty")
        if picture is None:
            return
        model = TreeModel(picture.table)
        if before is not None and before.inspection.setup.target == picture.inspection.setup.target:
            keep(self.layer_tree.model, model)
        failure = picture.inspection.failure
        if failure is not None and (row := picture.table.failed()) is not None:
            model.reveal(row)
        self._detail.about = tuple(whole_model(picture.inspection))
        self.layer_tree.model = model
        self.show_problem(failure)

    def watch_waiting(self, waiting: tuple[Paragraph, ...]) -> None:
        self._waiting.paragraphs = waiting

    def show_problem(self, problem: Problem | None, keys: tuple[tuple[str, str], ...] = ()) -> None:
        """A problem below the tree, or in its place."""
        self._notice.keys = keys or (OPEN_KEYS if self.picture is None else SHOWN_KEYS)
        self._notice.problem = problem
        self.set_class(problem is not None, "-problem")

    def _show_layer(self, highlighted: Highlighted | None) -> None:
        if highlighted is not None and len(highlighted[0]):
            self._detail.subject = highlighted

    def on_detail_jumped(self, event: Detail.Jumped) -> None:
        self.layer_tree.jump((event.row,))
        self.layer_tree.focus()

    def toggle_detail(self) -> None:
        self.toggle_class("-detail-flipped")

    # the filter

    def open_filter(self) -> None:
        from nninspect.ui.widgets.filter_input import FilterInput

        if found := self.query("#filter"):
            found.first().focus()
        elif self.layer_tree.model is not None:
            field = FilterInput(self.layer_tree.model.query, id="filter")
            self.mount(field)
            self.watch(field, "value", self.filter, init=False)

    def close_filter(self, clear: bool) -> None:
        """Back to the tree, with the filter kept or cleared."""
        if clear:
            self.filter("")
        self.query("#filter").remove()
        self.layer_tree.focus()

    def on_filter_input_closed(self, event: FilterInput.Closed) -> None:
        self.close_filter(event.clear)

    def filter(self, query: str) -> None:
        if (
            self.layer_tree.model is not None
            and query.strip().lower() != self.layer_tree.model.query
        ):
            self.layer_tree.model.filter(query)
            self.layer_tree.update_rows()
            self.post_message(Said(_found(self.layer_tree.model)))


def _found(model: TreeModel) -> str:
    """How many rows the filter found; nothing where there is none."""
    if not model.query:
        return ""
    found = len(model.matches)
    if not found:
        return f"nothing matches ‹{model.query}›"
    rows = "1 row" if found == 1 else f"{units.count(found)} rows"
    return f"{rows} {'matches' if found == 1 else 'match'} ‹{model.query}›"
