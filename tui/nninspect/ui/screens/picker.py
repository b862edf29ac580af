"""The picker: which model to look at."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from nninspect.protocol.records import Problem
from nninspect.ui.choices import Choice, card_choices, matching, plain_choices
from nninspect.ui.widgets.notice import problem_paragraphs
from nninspect.ui.widgets.page import Page


class Picker(ModalScreen[str]):
    """It lists the installed cards, or a problem's choices; it gives back a target, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="picker.close"),
        Binding("down", "move(1)", "down", show=False, id="picker.down", priority=True),
        Binding("up", "move(-1)", "up", show=False, id="picker.up", priority=True),
        Binding("pagedown", "move(8)", "down", show=False, id="picker.page_down", priority=True),
        Binding("pageup", "move(-8)", "up", show=False, id="picker.page_up", priority=True),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="picker.quit", priority=True),
    ]

    def __init__(self, problem: Problem | None = None) -> None:
        super().__init__()
        self._problem = problem
        self._all = plain_choices(problem.choices) if problem else card_choices()
        self._shown: tuple[Choice, ...] = ()

    def compose(self) -> ComposeResult:
        with Container(id="picker") as box:
            box.border_title = "open"
            box.border_subtitle = "enter opens · esc closes"
            if self._problem:
                said = Page(id="picker-problem")
                said.paragraphs = tuple(problem_paragraphs(self._problem))
                yield said
            field = Input(placeholder="type to find, or a target such as net.py:Net", compact=True)
            field.cursor_blink = False
            yield field
            with Container(id="picker-body"):
                yield OptionList(id="choices", markup=False)
                yield Page(id="card")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._list("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, query: str) -> None:
        self._shown = matching(self._all, query)
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(Option(choice.line) for choice in self._shown)
        choices.highlighted = 0 if self._shown else None

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            self.query_one("#card", Page).paragraphs = self._shown[event.option_index].about

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].target)

    @on(Input.Submitted)
    def _entered(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._shown):
            self.dismiss(self._shown[place].target)

    def action_move(self, places: int) -> None:
        choices = self.query_one(OptionList)
        if self._shown:
            place = (choices.highlighted or 0) + places
            choices.highlighted = max(0, min(place, len(self._shown) - 1))

    def action_close(self) -> None:
        self.dismiss(None)
