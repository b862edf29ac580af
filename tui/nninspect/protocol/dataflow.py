"""The edges of a layer tree from one of their ends: what leads to a row, or away from it."""

from __future__ import annotations

from array import array
from bisect import bisect_left


class Ends:
    """Edges in the order of one end, so that those of a row, or of a span of rows, are a slice."""

    def __init__(self, ends: array[int], others: array[int]) -> None:
        unordered = ends.tolist()
        order = sorted(range(len(ends)), key=unordered.__getitem__)
        self._ends = [unordered[place] for place in order]
        self._others = [others[place] for place in order]

    def of(self, row: int) -> tuple[int, ...]:
        """The other ends of a row's edges, each once."""
        return tuple(dict.fromkeys(self._slice(row, row + 1)))

    def across(self, first: int, end: int) -> tuple[int, ...]:
        """The other ends of a span's edges, those outside of it, each once."""
        outside = [other for other in self._slice(first, end) if not first <= other < end]
        return tuple(dict.fromkeys(outside))

    def _slice(self, first: int, end: int) -> list[int]:
        start = bisect_left(self._ends, first)
        return self._others[start : bisect_left(self._ends, end, start)]
