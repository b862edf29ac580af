"""The picker: which model to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from nninspect.errors import UsageError
from nninspect.protocol.records import Problem
from nninspect.recent import Recent
from nninspect.ui.choices import (
    Choice,
    card_choices,
    found_choices,
    matching,
    merged,
    plain_choices,
    recent_choices,
)
from nninspect.ui.found_models import found_models
from nninspect.ui.hints import Hint, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.widgets.notice import problem_paragraphs
from nninspect.ui.widgets.options import Options
from nninspect.ui.widgets.page import Page

HINT = "type to find, or a target such as net.py:Net"
TWIN = "to the broken twin, or back to the good network"
FORGET = "forget what was opened before"


class Picker(Once, ModalScreen[Choice]):
    """It lists what was opened before, the models of this folder and the installed cards, or a
    problem's choices; it gives back one of them, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "open", id="picker.accept", priority=True),
        Binding("escape", "close", "close", id="picker.close"),
        Binding("down", "move(1)", "down", show=False, id="picker.down", priority=True),
        Binding("up", "move(-1)", "up", show=False, id="picker.up", priority=True),
        Binding("pagedown", "move(8)", "down", show=False, id="picker.page_down", priority=True),
        Binding("pageup", "move(-8)", "up", show=False, id="picker.page_up", priority=True),
        Binding("ctrl+t", "twin", "twin", tooltip=TWIN, id="picker.twin", priority=True),
        Binding("ctrl+x", "forget", "forget", tooltip=FORGET, id="picker.forget", priority=True),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="picker.quit", priority=True),
    ]

    def __init__(self, recent: Recent, problem: Problem | None = None) -> None:
        super().__init__()
        self._recent = recent
        self._problem = problem
        self._found: Sequence[Choice] = ()
        self._cards = card_choices() if problem is None else plain_choices(problem.choices)
        self._all: Sequence[Choice] = ()
        self._shown: tuple[Choice, ...] = ()
        self._is_untouched = True

    def compose(self) -> ComposeResult:
        with Container(id="picker") as box:
            box.border_title = "open"
            keys = Hint("picker.accept"), Hint("picker.close")
            more = Hint("picker.twin", "twin"), Hint("picker.forget", "forget")
            box.border_subtitle = key_words(self, *keys, *(() if self._problem else more))
            if self._problem:
                said = Page(id="picker-problem")
                said.paragraphs = tuple(problem_paragraphs(self._problem))
                yield said
            field = Input(placeholder=HINT, compact=True)
            field.cursor_blink = False
            yield field
            with Container(id="picker-body"):
                yield Options(id="choices", markup=False)
                yield Page(id="card")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._gather()
        self._list("")
        if self._problem is None:
            self.run_worker(self._look_around())

    async def _look_around(self) -> None:
        """Read the folder's files, and list what they have without moving the cursor, once it
        was moved."""
        self._found = await asyncio.to_thread(
            lambda: tuple(found_choices(found_models(Path.cwd())))
        )
        if self._found:
            keep = None if self._is_untouched else self._current
            self._gather()
            self._list(self.query_one(Input).value, keep)

    def _gather(self) -> None:
        others = (*self._found, *self._cards)
        recent = () if self._problem else recent_choices(self._recent.read(), others)
        self._all = merged(recent, others)

    @property
    def _current(self) -> Choice | None:
        place = self.query_one(OptionList).highlighted
        return self._shown[place] if place is not None and place < len(self._shown) else None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._is_untouched = self._is_untouched and not event.value
        self._list(event.value)

    def _list(self, query: str, keep: Choice | None = None) -> None:
        """The choices that fit, the cursor on the first, or on one that is to keep it."""
        self._shown = matching(self._all, query)
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(Option(choice.line(query.strip())) for choice in self._shown)
        choices.highlighted = self._place(keep.target) if keep else 0 if self._shown else None

    def _place(self, target: str) -> int:
        """Where a target is listed; 0 where it is not."""
        targets = [choice.target for choice in self._shown]
        return targets.index(target) if target in targets else 0

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            self.query_one("#card", Page).paragraphs = self._shown[event.option_index].about

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index])

    def action_accept(self) -> None:
        if self._current is not None:
            self.dismiss(self._current)

    def action_move(self, places: int) -> None:
        self._is_untouched = False
        choices = self.query_one(OptionList)
        if self._shown:
            place = (choices.highlighted or 0) + places
            choices.highlighted = max(0, min(place, len(self._shown) - 1))

    def action_twin(self) -> None:
        """The cursor to the next of the networks that belong together, round the end."""
        now = self._current
        if now is not None and now.target in now.twins:
            twins = now.twins
            self.action_show(twins[(twins.index(now.target) + 1) % len(twins)])

    def action_show(self, target: str) -> None:
        """The cursor to a target, whatever was typed."""
        self._is_untouched = False
        if target not in {choice.target for choice in self._shown}:
            with self.prevent(Input.Changed):
                self.query_one(Input).value = ""
            self._list("")
        self.query_one(OptionList).highlighted = self._place(target)

    def action_forget(self) -> None:
        """Forget the recent target under the cursor; the one behind it is next."""
        now, place = self._current, self.query_one(OptionList).highlighted
        if now is None or now.setup is None or not now.is_recent:
            return
        try:
            self._recent.remove(now.setup)
        except UsageError as error:
            self.query_one("#picker").border_subtitle = error.message
            return
        self._gather()
        self._list(self.query_one(Input).value)
        if self._shown:
            self.query_one(OptionList).highlighted = min(place or 0, len(self._shown) - 1)

    def action_close(self) -> None:
        self.dismiss(None)
