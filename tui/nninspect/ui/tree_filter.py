"""Which rows of a layer tree a filter finds."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress, count
from operator import or_

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN


def find_rows(table: LayerTable, query: str) -> list[int]:
    """The rows whose name or type has the lower-case query in it, or, with dots, whose path."""
    if "." in query:
        return _find_path(table, query.split("."))
    hits = bytes(query in text.lower() for text in table.texts)
    by_name = map(hits.__getitem__, table.name)
    by_type = map(hits.__getitem__, table.type)
    return list(compress(count(), map(or_, by_name, by_type)))


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
