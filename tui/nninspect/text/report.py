"""An inspection as text: the head, the table of layers, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Kind, LayerRow
from nninspect.protocol.records import Inspection
from nninspect.protocol.runs import Runs
from nninspect.text import dry_run, layers, memory, units
from nninspect.text.inputs import format_input
from nninspect.text.plain import plain

COLUMNS = ("module", "type", "input", "output", "params", "%", "mult-adds", "marks")
"""The titles, in the order of `layer_cells`; the first four are text."""

TEXT_COLUMNS = 4
SHAPE_COLUMNS = (2, 3)
"""Those that may lose the middle of what they say."""

MOST_PATHS = 3
"""Of the layers that one remark is about; the others are counted."""

FOLDED = "×N: a run of equal layers, with what they have together; below it stands the first."


def head(inspection: Inspection) -> Iterator[str]:
    """What was looked at and how, and the totals."""
    setup, totals = inspection.setup, inspection.totals
    mode = "train" if setup.training else "eval"
    yield f"{plain(inspection.title)}  ({plain(setup.target)})"
    yield f"  {setup.device}, {inspection.dtype or 'no dtype'}, {mode}, " + _input_line(inspection)
    yield (
        f"  {units.counted(totals.parameters, 'parameter')} "
        f"({units.count(totals.trainable)} trainable, {units.size(totals.parameter_bytes)}), "
        f"{units.short_count(totals.mult_adds)} mult-adds, "
        f"{units.counted(totals.modules, 'module')}"
    )
    if inspection.memory is not None:
        yield f"  {memory.line(inspection.memory)}"


def _input_line(inspection: Inspection) -> str:
    given = " ".join(f"--input {format_input(spec)}" for spec in inspection.inputs)
    return f"{given or 'no input'}  ({plain(inspection.inputs_from)})"


def layer_cells(rows: Sequence[LayerRow], whole: int) -> tuple[str, ...]:
    """The cells of a row, or of a run of them; an op's source line stands as its type. `whole` is
    the model's parameters."""
    row = layers.summed(rows)
    is_op = row.kind == Kind.OP
    return (
        "  " * row.depth + (f"{layers.OP} " if is_op else "") + _name(rows),
        plain((is_op and row.source) or row.type),
        plain(layers.given(row.inputs, row.marks)),
        plain(layers.outcome(row.outputs, row.marks)),
        layers.figure(row.total_parameters),
        layers.share(row.total_parameters, whole),
        layers.mult_adds(row.mult_adds),
        layers.mark_words(row.marks),
    )


def _name(rows: Sequence[LayerRow]) -> str:
    if len(rows) > 1:
        return layers.run_name([row.name for row in rows])
    return plain(rows[0].name or rows[0].type)


def table(inspection: Inspection, *, unfold: bool = False) -> Sequence[tuple[str, ...]]:
    """Every layer's cells; a run of equal ones is one row unless they are to be unfolded."""
    whole, layer_table = inspection.totals.parameters, LayerTable(inspection.layers)
    return [
        layer_cells([layer_table.row(row) for row in rows], whole)
        for rows in _shown(layer_table, unfold)
    ]


def _shown(layer_table: LayerTable, unfold: bool) -> Iterator[Sequence[int]]:
    """The rows in their order, those of a run together; of what is below them, the first's."""
    runs = {} if unfold else Runs(layer_table).members
    skipped: dict[int, int] = {}
    """Where what the first member stands for begins, to where it ends."""
    row = 0
    while row < len(layer_table):
        if row in skipped:
            row = skipped[row]
            continue
        rows = runs.get(row, (row,))
        if len(rows) > 1:
            skipped[rows[1]] = layer_table.end[rows[-1]]
        yield rows
        row += 1


def remarks(inspection: Inspection, *, unfold: bool = False) -> Iterator[str]:
    """torchinfo's differences, and why its figures are missing where they are."""
    layer_table = LayerTable(inspection.layers)
    if not unfold and Runs(layer_table).members:
        yield FOLDED
    yield from dry_run.sentences(inspection.dry_run)
    if inspection.torchinfo:
        yield plain(inspection.torchinfo)
    if inspection.uncounted:
        yield f"not in the mult-adds: {plain(', '.join(inspection.uncounted))}"
    if inspection.left_out:
        yield f"{units.count(inspection.left_out)} more ops are neither shown nor counted"
    for note, paths in _notes(layer_table).items():
        yield f"{units.listed(paths, len(paths) if unfold else MOST_PATHS)}: {plain(note)}"


def _notes(layer_table: LayerTable) -> dict[str, list[str]]:
    """What there is to say, each with the layers that it is said of."""
    notes: dict[str, list[str]] = {}
    for row in layer_table:
        for note in row.notes:
            notes.setdefault(note, []).append(plain(row.path) or plain(row.type))
    return notes
