"""An inspection as text: the head, the table of layers, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Kind, LayerRow
from nninspect.protocol.records import Inspection
from nninspect.text import dry_run, layers, memory, units
from nninspect.text.inputs import format_input
from nninspect.text.plain import plain

COLUMNS = ("module", "type", "input", "output", "params", "%", "mult-adds", "marks")
"""The titles, in the order of `layer_cells`; the first four are text."""

TEXT_COLUMNS = 4


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


def layer_cells(row: LayerRow, whole: int) -> tuple[str, ...]:
    """One row's cells, an op's source line as its type; `whole` is the model's parameters."""
    is_op = row.kind == Kind.OP
    return (
        "  " * row.depth + (f"{layers.OP} " if is_op else "") + plain(row.name or row.type),
        plain((is_op and row.source) or row.type),
        layers.given(row.inputs, row.marks),
        layers.outcome(row.outputs, row.marks),
        layers.figure(row.total_parameters),
        layers.share(row.total_parameters, whole),
        layers.mult_adds(row.mult_adds),
        layers.mark_words(row.marks),
    )


def table(inspection: Inspection) -> Sequence[tuple[str, ...]]:
    """Every layer's cells."""
    whole = inspection.totals.parameters
    return [layer_cells(row, whole) for row in LayerTable(inspection.layers)]


def remarks(inspection: Inspection) -> Iterator[str]:
    """torchinfo's differences, and why its figures are missing where they are."""
    yield from dry_run.sentences(inspection.dry_run)
    if inspection.torchinfo:
        yield plain(inspection.torchinfo)
    if inspection.uncounted:
        yield f"not in the mult-adds: {plain(', '.join(inspection.uncounted))}"
    if inspection.left_out:
        yield f"{units.count(inspection.left_out)} more ops are neither shown nor counted"
    for row in LayerTable(inspection.layers):
        for note in row.notes:
            yield f"{plain(row.path) or plain(row.type)}: {plain(note)}"
