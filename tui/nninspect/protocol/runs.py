"""Runs of siblings that are alike: which rows of a tree can fold into one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from nninspect.protocol.layer_table import LayerTable

SHORTEST = 3
"""Two of a kind are read as fast as one row that stands for both."""


class Runs:
    """The runs of a layer tree, each by the row of its first member."""

    def __init__(self, table: LayerTable) -> None:
        self.members = {run[0]: tuple(run) for run in _chains(table) if len(run) >= SHORTEST}
        self.of = {member: first for first, run in self.members.items() for member in run}
        """The run that a member is in."""
        self._end = table.end

    def end(self, first: int) -> int:
        """One past the last row below the last member of a run."""
        return self._end[self.members[first][-1]]


def _chains(table: LayerTable) -> Iterator[list[int]]:
    """Rows that are alike and follow each other as siblings, in chains of two and more."""
    chains: dict[int, list[int]] = {}
    for row, after in _alike(table):
        chain = chains.pop(row, [row])
        chain.append(after)
        chains[after] = chain
    yield from chains.values()


def _alike(table: LayerTable) -> Iterator[tuple[int, int]]:
    """Each row and its next sibling, where one can stand for the other.

    They are of equal structure, were called alike, and no mark is in one that is not in the
    other: so a layer that failed is never folded into those that did not.
    """
    signatures, depths, ends = table.signature.tolist(), table.depth, table.end
    seen, made, calls = table.inputs, table.outputs, table.calls
    kinds, dtypes, devices = table.kind, table.dtype, table.device
    has_marks, last = any(table.marks), len(table)
    for row, (signature, after) in enumerate(zip(signatures, ends, strict=True)):
        if (
            signature
            and after < last
            and signatures[after] == signature
            and depths[after] == depths[row]
            and seen[after] == seen[row]
            and made[after] == made[row]
            and calls[after] == calls[row]
            and kinds[after] == kinds[row]
            and dtypes[after] == dtypes[row]
            and devices[after] == devices[row]
            and not (has_marks and _marks(table, row) != _marks(table, after))
        ):
            yield row, after


def _marks(table: LayerTable, row: int) -> array[int]:
    return table.marks[row : table.end[row]]
