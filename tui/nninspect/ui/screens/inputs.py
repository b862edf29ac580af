"""The dialog that edits what the model is fed: inputs, batch size and mode."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from nninspect.errors import BadInput
from nninspect.protocol.records import Inspection
from nninspect.ui.hints import Hint, key_of, key_words
from nninspect.ui.inputs import TITLES, Fields, changes, fields_of, read, read_batch
from nninspect.ui.screens.once import Once
from nninspect.ui.spans import Paragraph, paragraph
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.ticks import Tick

RUN = "inputs.accept"


class Row(Horizontal):
    """The fields of one input."""

    def __init__(self, fields: Fields, batch_dim: int = 0) -> None:
        super().__init__(classes="input-row")
        self._fields = fields
        self.batch_dim = batch_dim

    def compose(self) -> ComposeResult:
        for name, text in zip(Fields._fields, self._fields, strict=True):
            field = Input(text, classes=f"input-{name}", compact=True)
            field.cursor_blink = False
            yield field

    @property
    def fields(self) -> Fields:
        return Fields(*(field.value for field in self.query(Input)))


class Inputs(Once, ModalScreen[dict[str, Any]]):
    """It gives back what is to change of the setup, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "run", id="inputs.accept", priority=True),
        Binding("escape", "dismiss", "close", id="inputs.close"),
        Binding("ctrl+n", "add", "one more input", id="inputs.add"),
        Binding("ctrl+c,ctrl+q", "app.quit", "quit", show=False, id="inputs.quit", priority=True),
    ]

    def __init__(self, inspection: Inspection) -> None:
        super().__init__()
        self._inspection = inspection

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="inputs") as box:
            box.can_focus = False
            box.border_title = "inputs"
            box.border_subtitle = key_words(
                self,
                Hint(RUN),
                Hint("inputs.close"),
                Hint("inputs.add", "one more"),
                "no shape drops one",
            )
            with Horizontal(classes="input-row"):
                for name, title in zip(Fields._fields, TITLES, strict=True):
                    yield Label(title, classes=f"input-{name}")
            for spec in self._inspection.inputs:
                yield Row(fields_of(spec), spec.batch_dim)
            with Horizontal(classes="input-row", id="input-rest"):
                yield Label("batch ")
                batch = Input(str(self._inspection.batch or ""), id="input-batch", compact=True)
                batch.cursor_blink = False
                yield batch
                yield Tick(
                    "train mode", self._inspection.setup.training, id="input-mode", compact=True
                )
            yield Page(id="input-check")

    def on_mount(self) -> None:
        self.query(Input).first().focus()
        self._check()

    @on(Input.Changed)
    @on(Tick.Changed)
    def _check(self) -> None:
        try:
            self._read()
        except BadInput as error:
            said = (paragraph(error.message, "bad"), paragraph(error.hint, "dim"))
        else:
            said = (paragraph(f"{key_of(self, RUN)} runs the forward", "good"), Paragraph())
        self.query_one("#input-check", Page).paragraphs = said

    def _read(self) -> dict[str, Any]:
        """Raises BadInput."""
        kept = [row for row in self.query(Row) if row.fields.shape.strip()]
        specs = tuple(read(row.fields, row.batch_dim) for row in kept)
        batch = read_batch(self.query_one("#input-batch", Input).value)
        training = self.query_one("#input-mode", Tick).value
        return changes(self._inspection, specs, batch, training)

    def action_accept(self) -> None:
        try:
            self.dismiss(self._read())
        except BadInput:
            self.app.bell()

    def action_add(self) -> None:
        row = Row(Fields(dtype="float32"))
        self.query_one("#inputs").mount(row, before="#input-rest")
        self.call_after_refresh(lambda: row.query(Input).first().focus())
