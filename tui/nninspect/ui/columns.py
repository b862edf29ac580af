"""The tree table's columns: what each holds, how wide it is, and which ones fit."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

from rich.cells import cell_len

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN, Kind, Tensors
from nninspect.text import layers
from nninspect.text.plain import plain
from nninspect.ui.runs import Runs

GAP = 2
INDENT = 2
MARKER = 2
"""Cells of "▾ " before a name."""

LEAST_MODULE = 22
"""The module column gives way to the essential ones down to this."""
LEAST_SHAPE = 14
"""A shape column that does not fit is cropped down to this before it is left out."""
WIDEST_SHAPE = 32
"""A shape column is cropped beyond this, unless every column is asked for in full."""

Cell = Callable[[LayerTable, Sequence[int]], str]


class Column(NamedTuple):
    """One column as it is drawn."""

    key: str
    width: int


TITLES = {
    "module": "module",
    "type": "type",
    "inputs": "input",
    "outputs": "output",
    "params": "params",
    "share": "%",
    "own": "own",
    "trainable": "trainable",
    "mult_adds": "mult-adds",
    "dtype": "dtype",
    "device": "device",
}
"""Every column, in the order they are drawn."""

ESSENTIAL = ("outputs", "params", "share", "inputs")
OPTIONAL = ("mult_adds", "trainable", "own", "dtype", "device")
"""Both in the order that they get room."""

RIGHT = frozenset({"params", "share", "own", "mult_adds"})


def _tensors(table: LayerTable, place: int) -> Tensors | None:
    return None if place == UNKNOWN else table.tensors[place]


def _sum(column: array[int], rows: Sequence[int]) -> int:
    return sum(column[row] for row in rows)


def _mult_adds(table: LayerTable, rows: Sequence[int]) -> str:
    known = all(table.mult_adds[row] != UNKNOWN for row in rows)
    return layers.mult_adds(_sum(table.mult_adds, rows) if known else None)


def _given(table: LayerTable, rows: Sequence[int]) -> str:
    return plain(layers.given(_tensors(table, table.inputs[rows[0]]), table.marks[rows[0]]))


def _outcome(table: LayerTable, rows: Sequence[int]) -> str:
    return plain(layers.outcome(_tensors(table, table.outputs[rows[0]]), table.marks[rows[0]]))


CELLS: Mapping[str, Cell] = {
    "inputs": _given,
    "outputs": _outcome,
    "params": lambda t, rows: layers.figure(_sum(t.total_parameters, rows)),
    "share": lambda t, rows: layers.share(_sum(t.total_parameters, rows), t.total_parameters[0]),
    "own": lambda t, rows: layers.figure(_sum(t.own_parameters, rows)),
    "trainable": lambda t, rows: layers.trainable(
        _sum(t.trainable_parameters, rows), _sum(t.total_parameters, rows)
    ),
    "mult_adds": _mult_adds,
    "dtype": lambda t, rows: plain(t.texts[t.dtype[rows[0]]]),
    "device": lambda t, rows: plain(t.texts[t.device[rows[0]]]),
}
"""The text of the cell of a row, or of the rows of a run: sums, and what they have in common.

The module and type columns are drawn by the tree.
"""


def name_of(table: LayerTable, rows: Sequence[int]) -> str:
    """What stands after the marker: the name, for the root its type."""
    name, last = (table.texts[table.name[row]] for row in (rows[0], rows[-1]))
    if len(rows) > 1:
        return layers.run_name(name, last, len(rows))
    return plain(name or table.texts[table.type[rows[0]]])


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


def measure(table: LayerTable, runs: Runs) -> dict[str, int]:
    """The width that each column would like; "label" is the module column with types in it."""
    if not len(table):
        return dict.fromkeys((*TITLES, "label"), 0)
    widths = [*_label_widths(table), *_run_widths(table, runs)]
    names, types, labels = zip(*widths, strict=True)
    own = [_sum(table.own_parameters, rows) for rows in runs.members.values()]
    outputs = [layers.NOT_CALLED] if table.marks[0] or any(table.marks) else []
    return {
        "module": max(names),
        "type": max(types),
        "label": max(labels),
        "inputs": _widest(layers.briefly(table.tensors[i]) for i in {*table.inputs} if i >= 0),
        "outputs": _widest(
            (*outputs, *(layers.briefly(table.tensors[i]) for i in {*table.outputs} if i >= 0))
        ),
        "params": len(layers.figure(max(table.total_parameters))),
        "own": len(layers.figure(max(*table.own_parameters, *own))),
        "share": len("100.0%"),
        "trainable": 0,
        "mult_adds": len("999.9 M"),
        "dtype": _widest(table.texts[i] for i in {*table.dtype}),
        "device": _widest(table.texts[i] for i in {*table.device}),
    }


def _label_widths(table: LayerTable) -> list[tuple[int, int, int]]:
    """(name with indent, type, both) of every different kind of row."""

    @cache
    def cells(place: int) -> int:
        return cell_len(plain(table.texts[place]))

    @cache
    def marks(bits: int) -> int:
        words = layers.mark_words(bits)
        return cell_len(words) + 1 if words else 0

    found = []
    empty = next((place for place, text in enumerate(table.texts) if not text), None)
    types = (
        source if kind and source != empty else type_
        for kind, source, type_ in zip(table.kind, table.source, table.type, strict=True)
    )
    for depth, name, kind, bits in set(
        zip(table.depth, table.name, types, table.marks, strict=True)
    ):
        named = bool(table.texts[name])
        start = INDENT * depth + MARKER + cells(name if named else kind)
        type_width = (cells(kind) if named else 0) + marks(bits)
        found.append((start, type_width, start + 1 + type_width))
    return found


def _run_widths(table: LayerTable, runs: Runs) -> set[tuple[int, int, int]]:
    """As `_label_widths`, of the rows that stand for runs."""
    has_marks = any(table.marks)
    different = {
        (
            table.depth[first],
            table.name[first],
            table.name[rows[-1]],
            len(rows),
            table.type[first],
            has_marks and marks_of(table, rows),
        ): rows
        for first, rows in runs.members.items()
    }
    found = set()
    for rows in different.values():
        first = rows[0]
        start = INDENT * table.depth[first] + MARKER + cell_len(name_of(table, rows))
        kind = cell_len(type_of(table, rows))
        found.add((start, kind, start + 1 + kind))
    return found


def _widest(texts: Iterable[str]) -> int:
    return max((cell_len(plain(text)) for text in texts), default=0)


def choose(wanted: Mapping[str, int], width: int, everything: bool = False) -> tuple[Column, ...]:
    """The columns for a width: all that fit, the module column last to be cropped.

    With `everything`, all of them at full width, however wide that is.
    """
    full = {key: max(wanted[key], len(title)) for key, title in TITLES.items()}
    if everything or sum(full.values()) + GAP * (len(full) - 1) <= width:
        return tuple(Column(key, full[key]) for key in TITLES)
    for key in ("inputs", "outputs"):
        full[key] = min(full[key], WIDEST_SHAPE)
    label = max(wanted["label"], len("module"))
    room = width - min(label, LEAST_MODULE)
    shown = _fitting(ESSENTIAL, full, room)
    room -= sum(full[key] + GAP for key in shown) + GAP
    if shown and "inputs" not in shown and room >= LEAST_SHAPE:
        full["inputs"] = min(full["inputs"], room)
        shown.append("inputs")
    room = width - sum(full[key] + GAP for key in shown)
    shown += _fitting(OPTIONAL, full, room - label)
    room = width - sum(full[key] + GAP for key in shown)
    full["module"] = max(min(label, room), min(label, width, LEAST_MODULE))
    return tuple(Column(key, full[key]) for key in TITLES if key in {"module", *shown})


def _fitting(keys: Iterable[str], widths: Mapping[str, int], room: int) -> list[str]:
    """The keys, in order, for as long as there is room."""
    found = []
    for key in keys:
        room -= widths[key] + GAP
        if room < 0:
            break
        found.append(key)
    return found
