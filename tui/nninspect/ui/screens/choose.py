"""Small dialogs: one of a list, or some of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.selection_list import Selection

from nninspect.ui.hints import Hint, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.widgets.findable import Findable
from nninspect.ui.widgets.ticks import Ticks

LEAST_WIDTH = 44
FRAME = 4

MOVES: list[BindingType] = [
    Binding("escape,q", "close", "close", id="choose.close"),
    Binding("j", "move(True)", "down", show=False, id="choose.down"),
    Binding("k", "move(False)", "up", show=False, id="choose.up"),
    Binding("g", "edge(False)", "first", show=False, id="choose.first"),
    Binding("G", "edge(True)", "last", show=False, id="choose.last"),
    Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="choose.quit"),
]


class ChooseOne(Once, ModalScreen[str]):
    """It gives back the key that was chosen, or nothing; what is typed narrows the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", id="choose.accept", priority=True),
        Binding("slash", "find", "find", id="choose.find"),
        *MOVES,
    ]

    def __init__(self, title: str, choices: Mapping[str, str], current: str) -> None:
        super().__init__()
        self._title, self._choices, self._current = title, choices, current

    def compose(self) -> ComposeResult:
        shown = Findable(self._choices, id="choose")
        shown.border_title = self._title
        shown.border_subtitle = key_words(
            self, Hint("choose.accept"), Hint("choose.close"), Hint("choose.find", "finds")
        )
        shown.styles.width = max(LEAST_WIDTH, *map(cell_len, self._choices.values())) + FRAME
        shown.highlighted = list(self._choices).index(self._current)
        yield shown

    def action_move(self, down: bool) -> None:
        _move(self.query_one(OptionList), down)

    def action_edge(self, last: bool) -> None:
        _to_edge(self.query_one(OptionList), last)

    def action_find(self) -> None:
        self.query_one(Findable).find("")

    def action_close(self) -> None:
        """What was typed goes first."""
        shown = self.query_one(Findable)
        if shown.typed is None:
            self.dismiss(None)
        else:
            shown.find(None)

    def action_accept(self) -> None:
        self.query_one(Findable).action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    @on(Findable.Narrowed)
    def _narrowed(self, event: Findable.Narrowed) -> None:
        typed = event.typed
        title = self._title if typed is None else f"{self._title} ‹{typed}›"
        self.query_one(Findable).border_title = title


class ChooseSome(Once, ModalScreen[frozenset[str]]):
    """It gives back the keys that are ticked, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", id="choose.accept", priority=True),
        *MOVES,
    ]

    def __init__(self, title: str, choices: Mapping[str, str], ticked: frozenset[str]) -> None:
        super().__init__()
        self._title, self._choices, self._ticked = title, choices, ticked

    def compose(self) -> ComposeResult:
        ticks = (Selection(text, key, key in self._ticked) for key, text in self._choices.items())
        shown = Ticks(*ticks, id="choose")
        shown.border_title = self._title
        shown.border_subtitle = key_words(
            self, "space", Hint("choose.accept"), Hint("choose.close")
        )
        yield shown

    def action_move(self, down: bool) -> None:
        _move(self.query_one(Ticks), down)

    def action_edge(self, last: bool) -> None:
        _to_edge(self.query_one(Ticks), last)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_accept(self) -> None:
        self.dismiss(frozenset(self.query_one(Ticks).selected))


def _move(shown: OptionList, down: bool) -> None:
    if down:
        shown.action_cursor_down()
    else:
        shown.action_cursor_up()


def _to_edge(shown: OptionList, last: bool) -> None:
    if last:
        shown.action_last()
    else:
        shown.action_first()
