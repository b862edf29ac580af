"""The cells of a layer tree's rows as text, column by column; a run of rows is one row of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN, Kind, Tensors
from nninspect.text import layers
from nninspect.text.plain import plain

Cell = Callable[[LayerTable, Sequence[int]], str]

TITLES = {
    "module": "module",
    "type": "type",
    "inputs": "input",
    "outputs": "output",
    "params": "params",
    "share": "%",
    "bar": "",
    "own": "own",
    "trainable": "trainable",
    "mult_adds": "mult-adds",
    "calls": "calls",
    "dtype": "dtype",
    "device": "device",
}
"""Every column, in the order they are drawn."""


def _tensors(table: LayerTable, place: int) -> Tensors | None:
    return None if place == UNKNOWN else table.tensors[place]


def total_of(column: array[int], rows: Sequence[int]) -> int:
    return sum(column[row] for row in rows)


def _mult_adds(table: LayerTable, rows: Sequence[int]) -> str:
    known = all(table.mult_adds[row] != UNKNOWN for row in rows)
    return layers.mult_adds(total_of(table.mult_adds, rows) if known else None)


def _given(table: LayerTable, rows: Sequence[int]) -> str:
    return plain(layers.given(_tensors(table, table.inputs[rows[0]]), table.marks[rows[0]]))


def _outcome(table: LayerTable, rows: Sequence[int]) -> str:
    return plain(layers.outcome(_tensors(table, table.outputs[rows[0]]), table.marks[rows[0]]))


CELLS: Mapping[str, Cell] = {
    "inputs": _given,
    "outputs": _outcome,
    "params": lambda t, rows: layers.figure(total_of(t.total_parameters, rows)),
    "own": lambda t, rows: layers.figure(total_of(t.own_parameters, rows)),
    "trainable": lambda t, rows: layers.trainable(
        total_of(t.trainable_parameters, rows), total_of(t.total_parameters, rows)
    ),
    "mult_adds": _mult_adds,
    "calls": lambda t, rows: layers.figure(t.calls[rows[0]]),
    "dtype": lambda t, rows: plain(t.texts[t.dtype[rows[0]]]),
    "device": lambda t, rows: plain(t.texts[t.device[rows[0]]]),
}
"""The text of the cell of a row, or of the rows of a run: sums, and what they have in common.

The name, the type and the shares, which depend on what they are of, are not among them.
"""


def path_of(table: LayerTable, rows: Sequence[int]) -> str:
    """The module path; of a run with the names of all in it: "layers.0…11 ×12"."""
    path = table.path(rows[0])
    if len(rows) == 1:
        return plain(path)
    return plain(path.removesuffix(table.texts[table.name[rows[0]]])) + name_of(table, rows)


def name_of(table: LayerTable, rows: Sequence[int]) -> str:
    """What stands after the marker: the name, for the root its type."""
    names = [table.texts[table.name[row]] for row in rows]
    if len(rows) > 1:
        return layers.run_name(names)
    return plain(names[0] or table.texts[table.type[rows[0]]])


def type_of(table: LayerTable, rows: Sequence[int]) -> str:
    """What stands as the type, with the marks that go with it; nothing for a nameless root.

    For an op that is the line that called it.
    """
    kind, row = "", rows[0]
    if table.texts[table.name[row]]:
        source = table.texts[table.source[row]] if table.kind[row] == Kind.OP else ""
        kind = plain(source or table.texts[table.type[row]])
    return " ".join(filter(None, (kind, marks_of(table, rows))))


def marks_of(table: LayerTable, rows: Sequence[int]) -> str:
    """The marks of a row as words; of a run, also those below that its fold would hide."""
    row = rows[0]
    words = layers.mark_words(table.marks[row])
    if len(rows) == 1:
        return words
    below = reduce(or_, table.marks[row + 1 : table.end[row]], 0) & ~table.marks[row]
    return ", ".join(filter(None, (words, layers.marks_below(below))))
