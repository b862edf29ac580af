"""The facts of the layer under the cursor, and the rows it is connected with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.message import Message
from textual.reactive import reactive

from nninspect.protocol.findings import Finding
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import INPUT, OUTPUT, Kind, LayerRow
from nninspect.protocol.records import Inspection
from nninspect.text import dry_run, layers, memory
from nninspect.text.plain import plain
from nninspect.ui import finding_text
from nninspect.ui.described import described_paragraphs
from nninspect.ui.jumps import flow
from nninspect.ui.messages import Described
from nninspect.ui.spans import Paragraph, Span, paragraph
from nninspect.ui.widgets.split import Split

LABEL = 11
FLOWS = {"input": ("in", "from", "["), "output": ("out", "to", "]")}
"""Below which fact a flow stands, which it is, its label and its key."""
MOST_LINKS = 6
SUMS = "equal in structure: calls and shapes of one, figures of all"
NO_USE = "unused"
NOT_FINISHED = "the forward did not get there"


class Detail(Split, can_focus=False):
    """One row of a layer tree, or those of a run. A click on a path asks for a jump to it."""

    subject: reactive[tuple[LayerTable, tuple[int, ...]] | None] = reactive(None)
    about: tuple[Paragraph, ...] = ()
    """What stands below the root's own facts; see `whole_model`."""

    findings: reactive[tuple[Finding, ...]] = reactive(())
    """What the doctor found, on whatever row."""

    described: reactive[Described | None] = reactive(None)
    """What the worker told last of a module; shown where it is the subject's."""

    @dataclass
    class Jumped(Message):
        row: int

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
        found = [*_paragraphs(*self.subject)]
        found += _found(self.findings, *self.subject)
        if self.subject[1] == (0,):
            found += self.about
        if self.described is not None and self.described.path == module_path(self.subject):
            table, rows = self.subject
            found += described_paragraphs(self.described, table.texts[table.source[rows[0]]])
        self.paragraphs = tuple(found)

    def action_jump(self, row: int) -> None:
        self.post_message(self.Jumped(row))


def module_path(subject: tuple[LayerTable, tuple[int, ...]]) -> str:
    """Of the first row; of the module that calls it where it is an op."""
    table, rows = subject
    row = rows[0]
    return table.path(table.parent[row] if table.kind[row] == Kind.OP else row)


def _paragraphs(table: LayerTable, places: tuple[int, ...]) -> Iterator[Paragraph]:
    rows = [table.row(place) for place in places]
    row = layers.summed(rows)
    kind = plain(f"{row.type}({row.extra})" if row.extra else row.type)
    yield Paragraph((Span(f"{_title(rows)} ", "strong"), Span(kind, "accent")))
    if len(rows) > 1:
        yield paragraph(SUMS, "dim")
    yield Paragraph()
    for label, value in layers.facts(row, table.total_parameters[0]):
        for number, line in enumerate(value.split("\n")):
            yield from _fact(label if number == 0 else "", line)
        if label in FLOWS and table.has_edges:
            yield from _flow(table, places, *FLOWS[label])
    sentences = (*layers.mark_sentences(row.marks), *map(plain, row.notes))
    if sentences:
        yield Paragraph()
    for sentence in sentences:
        yield Paragraph((Span("• ", "warn"), Span(sentence, "warn")), hang=2)


def _found(
    findings: tuple[Finding, ...], table: LayerTable, places: tuple[int, ...]
) -> Iterator[Paragraph]:
    """The findings on the row, or on the rows of a run."""
    paths = {table.path(place) for place in places}
    for finding in findings:
        if finding.path in paths:
            yield Paragraph()
            yield from finding_text.in_brief(finding)


def whole_model(inspection: Inspection) -> Iterator[Paragraph]:
    """What is known of the model as a whole: where its input came from, what memory it needs,
    and what its mult-adds leave out."""
    yield Paragraph()
    yield from _fact("inputs", plain(inspection.inputs_from))
    for number, sentence in enumerate(dry_run.sentences(inspection.dry_run)):
        yield from _fact("run" if number == 0 else "", sentence)
    if inspection.uncounted:
        yield from _fact("uncounted", plain(", ".join(inspection.uncounted)))
    if inspection.memory is not None:
        yield Paragraph()
        yield paragraph(f"memory at batch {inspection.memory.batch}", "dim")
        for label, value in memory.facts(inspection.memory):
            yield from _fact(label, value)


def _fact(label: str, value: str) -> Iterator[Paragraph]:
    yield Paragraph((Span(f"{label:{LABEL}}", "dim"), Span(value)), hang=LABEL)


def _title(rows: list[LayerRow]) -> str:
    if len(rows) > 1:
        return layers.run_name(rows[0].path, rows[-1].name, len(rows))
    return plain(rows[0].path) or "(the model)"


def _flow(
    table: LayerTable, places: tuple[int, ...], way: str, label: str, key: str
) -> Iterator[Paragraph]:
    """The rows that lead to this one, or the other way, each a link."""
    is_end = way == "out" and places[0] == 0
    rows = () if is_end else flow(table, places, way)
    for number, row in enumerate(rows[:MOST_LINKS]):
        title, hint = (label, key) if number == 0 else ("", "")
        head = Span(f"{title:{LABEL - 2}}", "dim"), Span(f"{hint:2}", "key")
        yield Paragraph(
            (*head, Span(_link(table, places, row), "link", f"jump({row})")), hang=LABEL
        )
    if len(rows) > MOST_LINKS:
        yield Paragraph((Span(f"{'':{LABEL}}and {len(rows) - MOST_LINKS} more", "dim"),))
    if not rows and way == "out" and not is_end:
        unused = NO_USE if table.is_finished else NOT_FINISHED
        yield Paragraph((Span(f"{label:{LABEL}}", "dim"), Span(unused, "dim")), hang=LABEL)


def _link(table: LayerTable, places: tuple[int, ...], row: int) -> str:
    if row == INPUT:
        return _input_name(table)
    if row == OUTPUT:
        return _output_name(table, places)
    return "itself" if row in places else plain(table.path(row)) or "the model"


def _input_name(table: LayerTable) -> str:
    """The model's input, with its name where it is the only one and has one."""
    inputs = table.row(0).inputs or ()
    if len(inputs) != 1:
        return "the model's inputs"
    return plain(f"the model's input {inputs[0].key}").rstrip()


def _output_name(table: LayerTable, places: tuple[int, ...]) -> str:
    """The model's output; which, where it has several."""
    keys = table.results(places[0], table.end[places[-1]])
    return plain(f"the model's output {', '.join(keys)}").rstrip()
