"""What is told of the row under the cursor, or of the rows of a run, as paragraphs with links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nninspect.protocol.findings import Finding
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import INPUT, OUTPUT, Kind, Mark
from nninspect.protocol.records import Inspection
from nninspect.text import dry_run, layers, memory
from nninspect.text.layer_cells import path_of
from nninspect.text.plain import plain
from nninspect.ui import finding_text
from nninspect.ui.jumps import flow
from nninspect.ui.spans import Paragraph, Span, paragraph

LABEL = 11
FLOWS = {"input": ("in", "from"), "output": ("out", "to")}
"""Below which fact a flow stands, which it is, and its label."""
MOST_LINKS = 12
SUMS = "equal in structure: calls and shapes of one, figures of all"
NO_USE = "unused"
NOT_FINISHED = "the forward did not get there"


def module_path(subject: tuple[LayerTable, tuple[int, ...]]) -> str:
    """Of the first row; of the module that calls it where it is an op."""
    table, rows = subject
    row = rows[0]
    return table.path(table.parent[row] if table.kind[row] == Kind.OP else row)


def row_paragraphs(
    table: LayerTable, places: tuple[int, ...], keys: Mapping[str, str]
) -> Iterator[Paragraph]:
    """The facts; `keys` lead along the flow "in" and "out"."""
    rows = [table.row(place) for place in places]
    row = layers.summed(rows)
    kind = plain(f"{row.type}({row.extra})" if row.extra else row.type)
    title = path_of(table, places) or "(the model)"
    yield Paragraph((Span(f"{title} ", "strong"), Span(kind, "accent")))
    if len(rows) > 1:
        yield paragraph(SUMS, "dim")
    yield Paragraph()
    for label, value in layers.facts(row, table.total_parameters[0]):
        for number, line in enumerate(value.split("\n")):
            yield from _fact(label if number == 0 else "", line)
        if label in FLOWS and table.has_edges:
            way, name = FLOWS[label]
            yield from _flow(table, places, way, name, keys[way])
    if len(rows) == 1:
        yield from _kin(table, places[0])
    sentences = (*layers.mark_sentences(row.marks), *map(plain, row.notes))
    if sentences:
        yield Paragraph()
    for sentence in sentences:
        yield Paragraph((Span("• ", "warn"), Span(sentence, "warn")), hang=2)


def finding_paragraphs(
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


def _flow(
    table: LayerTable, places: tuple[int, ...], way: str, label: str, key: str
) -> Iterator[Paragraph]:
    """The rows that lead to this one, or the other way, each a link."""
    is_end = way == "out" and places[0] == 0
    rows = () if is_end else flow(table, places, way)
    yield from _links(table, places, label, key, rows)
    if not rows and way == "out" and not is_end:
        unused = NO_USE if table.is_finished else NOT_FINISHED
        yield Paragraph((Span(f"{label:{LABEL}}", "dim"), Span(unused, "dim")), hang=LABEL)


def _kin(table: LayerTable, place: int) -> Iterator[Paragraph]:
    """The other places of the module, and the modules that it has a parameter in common with."""
    others = table.kin(place)
    shared = [row for row in others if _is_shared(table, place) or _is_shared(table, row)]
    tied = [row for row in others if row not in shared]
    for title, rows in (("also at", shared), ("tied to", tied)):
        yield from _links(table, (place,), title, "", rows)


def _is_shared(table: LayerTable, row: int) -> bool:
    return bool(table.marks[row] & (Mark.SHARED | Mark.CYCLE))


def _links(
    table: LayerTable, places: tuple[int, ...], title: str, key: str, rows: Sequence[int]
) -> Iterator[Paragraph]:
    """A line for each row, the first with the title and the key that goes there too."""
    for number, row in enumerate(rows[:MOST_LINKS]):
        said, hint = (title, key) if number == 0 else ("", "")
        head = Span(f"{said:{LABEL - 2}}", "dim"), Span(f"{hint:2}", "key")
        link = Span(_link(table, places, row), "link", f"jump({row})")
        yield Paragraph((*head, link), hang=LABEL)
    if len(rows) > MOST_LINKS:
        yield Paragraph((Span(f"{'':{LABEL}}and {len(rows) - MOST_LINKS} more", "dim"),))


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
