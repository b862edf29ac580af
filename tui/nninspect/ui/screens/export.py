"""The dialog that asks where to export to, and in which format."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input

from nninspect.errors import UsageError
from nninspect.export.shown import SUFFIXES, Shown, form_of, save
from nninspect.text.plain import plain
from nninspect.ui.hints import Hint, key_of, key_words
from nninspect.ui.screens.once import Once
from nninspect.ui.spans import Span, paragraph
from nninspect.ui.widgets.line import Line
from nninspect.ui.widgets.page import Page

WRITE = "export.write"
ENDINGS = ", ".join(SUFFIXES.values())


class ExportScreen(Once, ModalScreen[str]):
    """It writes the file and gives back its path, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "write", id="export.write", priority=True),
        Binding("down", "turn(1)", "next format", id="export.next", priority=True),
        Binding("up", "turn(-1)", "format before", show=False, id="export.before", priority=True),
        Binding("escape", "dismiss", "close", id="export.close"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="export.quit", priority=True),
    ]

    def __init__(self, shown: Shown, form: str) -> None:
        super().__init__()
        self._shown = shown
        self._form = form
        self._asked = ""
        """The path that was asked about, because there is a file."""

    def compose(self) -> ComposeResult:
        with Container(id="export") as box:
            box.border_title = f"export {self._shown.view}"
            turn = f"{key_of(self, 'export.before')}{key_of(self, 'export.next')} format"
            box.border_subtitle = key_words(self, Hint(WRITE), Hint("export.close"), turn)
            field = Input(self._shown.file_name(self._form), id="export-path", compact=True)
            field.cursor_blink = False
            yield field
            yield Line(id="export-forms")
            yield Page(id="export-check")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._say()

    @property
    def _path(self) -> Path:
        return Path(self.query_one(Input).value.strip()).expanduser()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._asked = ""
        self._form = form_of(self._path.name) or self._form
        self._say()

    def _say(self) -> None:
        self.query_one("#export-forms", Line).spans = tuple(_forms(self._form))
        if not form_of(self._path.name):
            self._tell(f"the name ends with one of {ENDINGS}", "warn")
        else:
            self._tell(f"{key_of(self, WRITE)} writes the file", "good")

    def _tell(self, text: str, style: str) -> None:
        self.query_one("#export-check", Page).paragraphs = (paragraph(plain(text), style),)

    def action_turn(self, places: int) -> None:
        """Another format, and with it another ending of the name."""
        forms = list(SUFFIXES)
        self.action_form(forms[(forms.index(self._form) + places) % len(forms)])

    def action_form(self, form: str) -> None:
        field = self.query_one(Input)
        known = form_of(field.value)
        stem = field.value[: -len(Path(field.value).suffix)] if known else field.value
        field.value = stem + SUFFIXES[form]
        field.cursor_position = len(field.value)

    async def action_write(self) -> None:
        """Ask first where there is a file; stay open with the reason where it can't be written."""
        path = self._path
        if not form_of(path.name):
            self.app.bell()
        elif path.is_file() and self._asked != str(path):
            self._asked = str(path)
            again = f"{key_of(self, WRITE)} again overwrites it"
            self._tell(f"{path.name} is there already: {again}", "warn")
        else:
            self._tell("writing…", "dim")
            try:
                await asyncio.to_thread(save, self._shown, path, self._form)
            except UsageError as error:
                self._tell(f"{error.message}. {error.hint}", "bad")
            else:
                self.dismiss(str(path))


def _forms(current: str) -> Iterator[Span]:
    """The formats, each a click away."""
    for form in SUFFIXES:
        style = "active" if form == current else "dim"
        yield Span(f" {form} ", style, f"screen.form('{form}')")
        yield Span(" ")
