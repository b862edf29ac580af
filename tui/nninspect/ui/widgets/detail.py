"""The facts of the layer under the cursor, and the rows it is connected with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.findings import Finding
from nninspect.protocol.layer_table import LayerTable
from nninspect.ui.described import described_paragraphs
from nninspect.ui.detail_text import finding_paragraphs, module_path, row_paragraphs
from nninspect.ui.hints import key_of
from nninspect.ui.messages import Described
from nninspect.ui.spans import Paragraph
from nninspect.ui.widgets.split import Split

FLOW_ACTIONS = {"in": "layers.producer", "out": "layers.consumer"}


class Detail(Split):
    """One row of a layer tree, or those of a run; its links lead to other rows and to rules."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "ask('back')", "back", tooltip="back from a jump", id="layers.back"),
        Binding(
            "left_square_bracket",
            "ask('flow', 'in')",
            "to what made its input",
            show=False,
            id="layers.producer",
        ),
        Binding(
            "right_square_bracket",
            "ask('flow', 'out')",
            "to what uses its output",
            show=False,
            id="layers.consumer",
        ),
        Binding(
            "left_curly_bracket,right_curly_bracket",
            "ask('another')",
            "to another of several",
            show=False,
            id="layers.another",
        ),
    ]

    # None of these draws by itself: `paragraphs` draws the rows that have changed.
    subject: reactive[tuple[LayerTable, tuple[int, ...]] | None] = reactive(None, repaint=False)
    about: tuple[Paragraph, ...] = ()
    """What stands below the root's own facts; see `whole_model`."""

    findings: reactive[tuple[Finding, ...]] = reactive((), repaint=False)
    """What the doctor found, on whatever row."""

    described: reactive[Described | None] = reactive(None, repaint=False)
    """What the worker told last of a module; shown where it is the subject's."""

    @dataclass
    class Jumped(Message):
        """A row is wanted."""

        row: int

    @dataclass
    class Asked(Message):
        """Something is to be done in the tree: one of its actions."""

        action: str

    def watch_subject(self) -> None:
        self._write()
        self.scroll_to(y=0, animate=False)

    def watch_described(self) -> None:
        self._write()

    def watch_findings(self) -> None:
        self._write()

    def _write(self) -> None:
        if self.subject is None:
            self.paragraphs = ()
            return
        table, rows = self.subject
        keys = {way: key_of(self, action) for way, action in FLOW_ACTIONS.items()}
        told = row_paragraphs(table, rows, keys)
        found = [*told, *finding_paragraphs(self.findings, table, rows)]
        if rows == (0,):
            found += self.about
        if self.described is not None and self.described.path == module_path(self.subject):
            found += described_paragraphs(self.described, table.texts[table.source[rows[0]]])
        self.paragraphs = tuple(found)

    def action_jump(self, row: int) -> None:
        self.post_message(self.Jumped(row))

    def action_ask(self, action: str, *arguments: str) -> None:
        self.post_message(self.Asked(f"{action}({', '.join(map(repr, arguments))})"))
