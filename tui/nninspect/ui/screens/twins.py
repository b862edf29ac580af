"""A broken network beside the good one: the findings, the change, and the good one's tree."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from nninspect.ui.hints import Hint, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.tree_model import TreeModel
from nninspect.ui.twins import Twins, paragraphs
from nninspect.ui.widgets.layer_tree import LayerTree
from nninspect.ui.widgets.page import Page


class TwinsScreen(Once, ModalScreen[str]):
    """It gives back the network to open, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,X", "dismiss", "close", id="twins.close"),
        Binding("enter,o", "open", "open the other", id="twins.open", priority=True),
        Binding("tab", "app.focus_next", "other side", id="twins.side"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="twins.quit"),
    ]

    def __init__(self, twins: Twins, current: str) -> None:
        super().__init__()
        self._twins, self._current = twins, current
        self._said = Page(id="twins-said")
        self._said.can_focus = True
        self._tree = LayerTree(id="twins-tree")

    def compose(self) -> ComposeResult:
        with Container(id="twins") as box:
            box.border_title = f"{self._twins.broken} ▸ {self._twins.good}"
            box.border_subtitle = key_words(
                self,
                Hint("twins.open", f"opens {self._other}"),
                Hint("twins.side", "other side"),
                Hint("twins.close", "closes"),
            )
            yield self._said
            yield self._tree

    def on_mount(self) -> None:
        self._said.paragraphs = tuple(paragraphs(self._twins))
        self._tree.border_title = self._twins.good
        self._tree.model = TreeModel(self._twins.picture.table)
        self._said.focus()

    @property
    def _other(self) -> str:
        twins = self._twins
        return twins.good if self._current == twins.broken else twins.broken

    def action_open(self) -> None:
        self.dismiss(self._other)
