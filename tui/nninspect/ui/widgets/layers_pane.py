"""The Layers tab: the tree, the layer under its cursor, what went wrong, and the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.findings import Finding
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import Problem
from nninspect.text import units
from nninspect.text.layer_cells import TITLES as COLUMN_TITLES
from nninspect.ui.detail_text import module_path, whole_model
from nninspect.ui.finding_text import gravest_by_path
from nninspect.ui.hints import Hint
from nninspect.ui.look import Picture
from nninspect.ui.measures import TITLES, after, heaviest, measure
from nninspect.ui.messages import Described, Said
from nninspect.ui.sorting import SORTS, arranged
from nninspect.ui.spans import Paragraph
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.tree_state import keep
from nninspect.ui.widgets.detail import Detail
from nninspect.ui.widgets.filtered import FilteredPane
from nninspect.ui.widgets.layer_tree import LayerTree
from nninspect.ui.widgets.map_line import Extent, MapLine
from nninspect.ui.widgets.notice import Notice
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.tree_table import Highlighted

if TYPE_CHECKING:
    from nninspect.ui.offers import Offer

MEASURE = "what shares are of: parameters, mult-adds, allocated bytes, time"
PICKABLE = {key: title or "bar" for key, title in COLUMN_TITLES.items() if key != "module"}
LOG = Hint("tab.log", "log")
OPEN_KEYS = (Hint("reload", "try again"), Hint("open", "open another"), LOG)
SHOWN_KEYS = (Hint("reload", "reload"), LOG, Hint("clear", "dismiss"))
DEAD_KEYS = (Hint("restart", "restart the worker"), LOG)


class LayersPane(FilteredPane):
    """It shows a `Picture`; another one of the same model keeps the cursor, folds and filter."""

    FILTER_HINT = "name, type, path, or sizes: 64,8"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="sort siblings by a column", id="layers.sort"),
        Binding("S", "reverse", "sort the other way round", show=False, id="layers.reverse"),
        Binding("m", "measure", "measure", tooltip=MEASURE, id="layers.measure"),
        Binding("x", "heaviest", "the heaviest layers in turn", show=False, id="layers.heaviest"),
        Binding("C", "columns", "choose the columns", show=False, id="layers.pick_columns"),
        Binding("w", "everything", "every column, in full", show=False, id="layers.columns"),
        Binding("M", "map", "show or hide the map", show=False, id="layers.map"),
    ]

    picture: reactive[Picture | None] = reactive(None)
    waiting: reactive[tuple[Paragraph, ...]] = reactive(())
    """What stands in the tree's place until there is one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-empty")
        self.layer_tree = LayerTree(id="tree")
        self._detail = Detail(id="detail")
        self._map = MapLine(id="map")
        self._waiting = Page(id="waiting")
        self._notice = Notice(id="notice")

    def compose(self) -> ComposeResult:
        yield self._map
        yield Container(self.layer_tree, self._detail, id="body")
        yield self._waiting
        yield self._notice

    @property
    def row_count(self) -> int:
        """How many rows are in view."""
        return len(self.layer_tree.model.rows) if self.layer_tree.model is not None else 0

    def on_mount(self) -> None:
        self.watch(self.layer_tree, "highlighted", self._show_layer)
        self.watch(self.layer_tree, "times", self._draw_map)

    def on_resize(self) -> None:
        """The width decides whether the map is in view."""
        self.call_after_refresh(self._draw_map)

    def watch_picture(self, before: Picture | None, picture: Picture | None) -> None:
        self.set_class(picture is None, "-empty")
        if picture is None:
            return
        model = TreeModel(self._arranged(picture))
        if before is not None and before.inspection.setup.target == picture.inspection.setup.target:
            keep(self.layer_tree.model, model)
        failure = picture.inspection.failure
        if failure is not None and (row := model.table.failed()) is not None:
            model.reveal(row)
        self._detail.described = None
        self._detail.about = tuple(whole_model(picture.inspection))
        self.layer_tree.model = model
        self.show_problem(failure)

    def watch_waiting(self, waiting: tuple[Paragraph, ...]) -> None:
        self._waiting.paragraphs = waiting

    def show_problem(self, problem: Problem | None, keys: tuple[Hint, ...] = ()) -> None:
        """A problem below the tree, or in its place."""
        self._notice.keys = keys or (OPEN_KEYS if self.picture is None else SHOWN_KEYS)
        self._notice.problem = problem
        self.set_class(problem is not None, "-problem")

    def _show_layer(self, highlighted: Highlighted | None) -> None:
        if highlighted is not None and len(highlighted[0]):
            self._detail.subject = highlighted
            self._ask_for_more()
            self._draw_map()

    @dataclass
    class Wanted(Message):
        """The detail shows the module at a path; its weights and source would stand there."""

        path: str

    def _ask_for_more(self) -> None:
        if self._detail.display and self._detail.subject is not None:
            self.post_message(self.Wanted(module_path(self._detail.subject)))

    def describe(self, described: Described) -> None:
        self._detail.described = described

    def _draw_map(self) -> None:
        if self.layer_tree.highlighted is not None and self._map.display:
            table, rows = self.layer_tree.highlighted
            self._map.extent = Extent(table, rows[0], self.layer_tree.measure)

    def offers(self) -> Iterator[Offer]:
        """What there is to copy of the row under the cursor; first what is told of it, where that
        has the focus."""
        from nninspect.ui import offers

        tree, detail = self.layer_tree, self._detail
        if tree.highlighted is not None:
            rows, told = tree.highlighted[1], detail.paragraphs
            found = list(offers.of_layer(tree.sight, rows, detail.findings, told))
            yield from found[-1:] + found[:-1] if detail.has_focus else found

    # the view

    def look(self, **changes: Any) -> None:
        """See the tree another way, cursor, folds and filter kept."""
        before = self.layer_tree.view
        view = replace(before, **changes)
        self.layer_tree.view = view
        if self.picture is None:
            return
        sorted_by_share = view.sort == "share" and view.measure != before.measure
        if sorted_by_share or (view.sort, view.backwards) != (before.sort, before.backwards):
            model = TreeModel(self._arranged(self.picture))
            keep(self.layer_tree.model, model)
            self.layer_tree.model = model
        self._draw_map()

    def _arranged(self, picture: Picture) -> LayerTable:
        view = self.layer_tree.view
        share = measure(picture.table, view.measure, self.layer_tree.times)
        return arranged(picture.table, view.sort, view.backwards, share)

    def sort(self, by: str | None) -> None:
        """Sort siblings; by what they are sorted by already: the other way round."""
        view = self.layer_tree.view
        if by in SORTS:
            self.look(sort=by, backwards=by == view.sort and not view.backwards)
            order = " the other way round" if self.layer_tree.view.backwards else ""
            self.post_message(Said(f"sorted by {SORTS[by]}{order}"))

    def on_layer_tree_title_clicked(self, event: LayerTree.TitleClicked) -> None:
        self.sort("share" if event.column == "bar" else event.column)

    def action_sort(self) -> None:
        from nninspect.ui.screens.choose import ChooseOne

        self.app.push_screen(ChooseOne("sort by", SORTS, self.layer_tree.view.sort), self.sort)

    def action_reverse(self) -> None:
        self.sort(self.layer_tree.view.sort)

    def action_measure(self) -> None:
        key = after(self.layer_tree.view.measure, bool(self.layer_tree.times))
        self.look(measure=key)
        self.post_message(Said(f"shares are of {TITLES[key]}"))

    def action_heaviest(self) -> None:
        if self.layer_tree.model is not None:
            found = self.layer_tree.measure
            if not self.layer_tree.tour(heaviest(self.layer_tree.model.table, found)):
                self.post_message(Said(f"no layer has {found.title}"))

    def action_columns(self) -> None:
        from nninspect.ui.screens.choose import ChooseSome

        shown = frozenset(self.layer_tree.shown_columns)
        self.app.push_screen(ChooseSome("columns", PICKABLE, shown), self._pick)

    def _pick(self, picked: frozenset[str] | None) -> None:
        if picked is not None:
            self.look(picked=picked, everything=False)

    def action_everything(self) -> None:
        self.look(everything=not self.layer_tree.view.everything, picked=None)

    def action_map(self) -> None:
        self.toggle_class("-map-flipped")
        self.call_after_refresh(self._draw_map)

    def on_map_line_jumped(self, event: MapLine.Jumped) -> None:
        self.layer_tree.jump((event.row,))

    def on_detail_jumped(self, event: Detail.Jumped) -> None:
        self.layer_tree.jump((event.row,))

    async def on_detail_asked(self, event: Detail.Asked) -> None:
        await self.layer_tree.run_action(event.action)

    def show_findings(self, findings: tuple[Finding, ...]) -> None:
        """Mark their rows, and tell them in the detail."""
        self.layer_tree.findings = gravest_by_path(findings)
        self._detail.findings = findings

    def reveal(self, path: str) -> bool:
        """Put the cursor on the row of a path, whatever is folded over it; whether there is one."""
        model = self.layer_tree.model
        row = model.table.find(path) if model else None
        if row is not None:
            self.layer_tree.jump((row,))
        return row is not None

    def toggle_detail(self) -> None:
        self.toggle_class("-detail-flipped")
        self.call_after_refresh(self._ask_for_more)

    @property
    def filtered(self) -> LayerTree:
        return self.layer_tree

    @property
    def filter_text(self) -> str | None:
        return None if self.layer_tree.model is None else self.layer_tree.model.query

    def filter(self, text: str) -> None:
        """See the rows with this in their name, type, path or shapes, and what they are in."""
        if self.layer_tree.model is not None:
            self.layer_tree.model.filter(text)
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
