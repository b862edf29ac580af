"""The tree table's columns: what each holds, how wide it is, and which ones fit."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN, Kind, Tensors
from nninspect.text import bars, layers
from nninspect.text.plain import plain
from nninspect.ui.measures import Measure
from nninspect.ui.view import View

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
    "bar": "",
    "own": "own",
    "trainable": "trainable",
    "mult_adds": "mult-adds",
    "calls": "calls",
    "dtype": "dtype",
    "device": "device",
}
"""Every column, in the order they are drawn."""

ESSENTIAL = ("outputs", "params", "share", "inputs")
OPTIONAL = ("mult_adds", "bar", "trainable", "own", "calls", "dtype", "device")
"""Both in the order that they get room."""

RIGHT = frozenset({"params", "share", "own", "mult_adds", "calls"})
BAR = 9
SHARED = frozenset({"share", "bar"})
"""They show what the view measures."""
ARROWS = ("▾", "▴")
"""Before the title of the column that siblings are sorted by."""


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

The module and type columns are drawn by the tree, the share and its bar by `share_cell`.
"""


def share_cell(key: str, measure: Measure, rows: Sequence[int]) -> str:
    """What rows have of a measure, as a figure or as a bar."""
    if key == "bar":
        return bars.bar(measure.share(rows), BAR)
    return layers.share(measure.of(rows), measure.whole)


def title_of(key: str, measure: Measure, view: View) -> str:
    """The title of a column, with the arrow of the order."""
    title = measure.title if key == "bar" else TITLES[key]
    return ARROWS[view.backwards] + title if key == view.sort else title


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


AS_IT_FITS = View()


def choose(wanted: Mapping[str, int], width: int, view: View = AS_IT_FITS) -> tuple[Column, ...]:
    """The columns for a width: all that fit, the module column last to be cropped.

    Those that were picked are all shown, and with `everything` all there are: what is wider than
    the room is panned through.
    """
    full = {key: max(wanted[key], len(title)) for key, title in TITLES.items()}
    if view.sort in full:
        full[view.sort] = max(full[view.sort], len(TITLES[view.sort]) + len(ARROWS[0]))
    if view.picked is not None:
        return _picked(view.picked, full, wanted["label"], width)
    if view.everything or sum(full.values()) + GAP * (len(full) - 1) <= width:
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


def _picked(
    picked: frozenset[str], full: dict[str, int], label: int, width: int
) -> tuple[Column, ...]:
    """The shapes are cropped first, then the module column, neither beyond what can be read."""
    full["module"] = full["module"] if "type" in picked else max(label, len("module"))
    shown = [key for key in TITLES if key == "module" or key in picked]
    excess = sum(full[key] + GAP for key in shown) - GAP - width
    for key, least in (("inputs", LEAST_SHAPE), ("outputs", LEAST_SHAPE), ("module", LEAST_MODULE)):
        if key in shown and excess > 0:
            given = min(excess, max(0, full[key] - least))
            full[key] -= given
            excess -= given
    return tuple(Column(key, full[key]) for key in shown)


def _fitting(keys: Iterable[str], widths: Mapping[str, int], room: int) -> list[str]:
    """The keys, in order, for as long as there is room."""
    found = []
    for key in keys:
        room -= widths[key] + GAP
        if room < 0:
            break
        found.append(key)
    return found
