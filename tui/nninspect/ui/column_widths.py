"""How wide each column of the tree table would like to be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.cells import cell_len

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.runs import Runs
from nninspect.text import layers
from nninspect.text.layer_cells import TITLES, marks_of, name_of, total_of, type_of
from nninspect.text.plain import plain
from nninspect.ui.columns import BAR, INDENT, MARKER


def measure(table: LayerTable, runs: Runs) -> dict[str, int]:
    """The width that each column would like; "label" is the module column with types in it."""
    if not len(table):
        return dict.fromkeys((*TITLES, "label"), 0)
    widths = [*_label_widths(table), *_run_widths(table, runs)]
    names, types, labels = zip(*widths, strict=True)
    own = [total_of(table.own_parameters, rows) for rows in runs.members.values()]
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
        "own": len(layers.figure(max((*table.own_parameters, *own)))),
        "share": len("100.0%"),
        "bar": BAR,
        "calls": len(layers.figure(max(table.calls))),
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
            name_of(table, rows),
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
