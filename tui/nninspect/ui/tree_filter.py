"""Which rows of a layer tree a filter finds."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import compress, count
from operator import itemgetter
from typing import TypeAlias

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN

_SHAPE = re.compile(r"(?=.*[(,×])[\d\s(),×x]+")
"""Sizes, told from a name of digits by a comma, a × or a parenthesis."""

Spread: TypeAlias = Callable[[list[bool]], Sequence[bool]]


class Finder:
    """It finds rows by what they are called; made once for a tree, asked at every keystroke."""

    def __init__(self, table: LayerTable) -> None:
        self._table = table

    def find(self, query: str) -> list[int]:
        """The rows whose name or type has the lower-case query in it; with dots, whose path; with
        sizes such as "64,8" or "(64", whose inputs or outputs."""
        if _SHAPE.fullmatch(query):
            return _find_shape(self._table, tuple(map(int, re.findall(r"\d+", query))))
        if "." in query:
            return _find_path(self._table, query.split("."))
        hits = [query in text.lower() for text in self._table.texts]
        labels, of_rows = self._labels
        label_hits = [hits[name] or hits[kind] for name, kind in labels]
        return list(compress(count(), of_rows(label_hits)))

    @cached_property
    def _labels(self) -> tuple[tuple[tuple[int, int], ...], Spread]:
        """Every different (name, type), and what spreads a value for each to the rows."""
        places: dict[tuple[int, int], int] = {}
        labels = zip(self._table.name, self._table.type, strict=True)
        rows = [places.setdefault(label, len(places)) for label in labels]
        if len(rows) < 2:  # of one place, itemgetter gives no tuple
            return tuple(places), lambda found: found
        return tuple(places), itemgetter(*rows)


def _find_shape(table: LayerTable, sizes: tuple[int, ...]) -> list[int]:
    """Rows with a tensor that has the sizes in its shape, one after another."""
    if not sizes:
        return []

    def has(shape: tuple[int, ...]) -> bool:
        places = range(len(shape) - len(sizes) + 1)
        return any(shape[place : place + len(sizes)] == sizes for place in places)

    hits = [any(has(tensor.shape) for tensor in tensors) for tensors in table.tensors]
    hits.append(False)  # where `UNKNOWN` points
    both = zip(table.inputs, table.outputs, strict=True)
    return [row for row, (given, made) in enumerate(both) if hits[given] or hits[made]]


def _find_path(table: LayerTable, names: list[str]) -> list[int]:
    """Rows whose path has the names in a row: the first ends one, the last begins one.

    The root has no path.
    """
    lowered = [text.lower() for text in table.texts]
    begins = bytes(text.startswith(names[-1]) for text in lowered)
    candidates = compress(count(), map(begins.__getitem__, table.name))
    return [row for row in candidates if row and _is_below(table, lowered, row, names[:-1])]


def _is_below(table: LayerTable, lowered: list[str], row: int, names: list[str]) -> bool:
    for step, wanted in enumerate(reversed(names), 1):
        row = table.parent[row]
        if row in (UNKNOWN, 0):
            return wanted == "" and step == len(names)
        name = lowered[table.name[row]]
        if not (name.endswith(wanted) if step == len(names) else name == wanted):
            return False
    return True


def with_ancestors(parents: array[int], rows: Sequence[int]) -> list[int]:
    """The rows and all that is above them, in order."""
    keep = bytearray(len(parents))
    for row in rows:
        while row != UNKNOWN and not keep[row]:
            keep[row] = 1
            row = parents[row]
    return list(compress(count(), keep))
