"""What of a layer tree is in view: its folds, its filter and its cursor, as plain lists of rows.

A row is its place in the `LayerTable`, in pre-order; so any list of visible rows is sorted, a
subtree is a slice of it, and folding is a splice.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress, count
from operator import not_

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN, Kind
from nninspect.ui.tree_filter import find_rows, with_ancestors


class TreeModel:
    """The visible rows of one layer tree. Every method keeps the cursor on a visible row."""

    def __init__(self, table: LayerTable) -> None:
        self.table = table
        self.cursor = 0
        """The row under the cursor, not its place in view."""
        self.query = ""
        self.matches: list[int] = []
        """The rows that the filter found; those and their ancestors are kept in view."""
        self.has_ops = any(table.kind)
        self.shows_ops = True
        self.folded: set[int] = set()
        self._folded_unfiltered: set[int] = set()
        self._kept: Sequence[int] = range(len(table))
        self.rows: list[int] = list(self._kept)

    @property
    def place(self) -> int:
        """Where the cursor stands among the visible rows."""
        return bisect_left(self.rows, self.cursor)

    def has_children(self, row: int) -> bool:
        """Whether anything below a row is kept, folded away or not."""
        after = bisect_right(self._kept, row)
        return after < len(self._kept) and self._kept[after] < self.table.end[row]

    def is_open(self, row: int) -> bool:
        """Whether rows below it are in view."""
        return row not in self.folded and self.has_children(row)

    def is_match(self, row: int) -> bool:
        """Whether the filter found the row itself; every row without a filter."""
        if not self.query:
            return True
        place = bisect_left(self.matches, row)
        return place < len(self.matches) and self.matches[place] == row

    # moving

    def move_to(self, place: int) -> None:
        """Put the cursor on the visible row at a place, or the nearest end."""
        if self.rows:
            self.cursor = self.rows[max(0, min(place, len(self.rows) - 1))]

    def move_by(self, places: int) -> None:
        self.move_to(self.place + places)

    def to_parent(self) -> None:
        parent = self.table.parent[self.cursor] if self.rows else UNKNOWN
        if parent != UNKNOWN:
            self.cursor = parent

    def to_sibling(self, step: int) -> None:
        """To the next visible row of the same parent, or the previous one (step -1)."""
        depth, depths = self.table.depth[self.cursor] if self.rows else 0, self.table.depth
        place = self.place + step
        while 0 <= place < len(self.rows) and depths[self.rows[place]] > depth:
            place += step
        if 0 <= place < len(self.rows) and depths[self.rows[place]] == depth:
            self.cursor = self.rows[place]

    def to_match(self, step: int) -> None:
        """To the next row that the filter found, or the previous one (step -1), round the end."""
        if not self.matches:
            return
        if step > 0:
            place = bisect_right(self.matches, self.cursor)
        else:
            place = bisect_left(self.matches, self.cursor) - 1
        self.reveal(self.matches[place % len(self.matches)])

    def reveal(self, row: int) -> None:
        """Put the cursor on a row, with every fold above it opened and no filter that hides it."""
        if self.table.kind[row] == Kind.OP and not self.shows_ops:
            self.toggle_ops()
        if not self._keeps(row):
            self.filter("")
        ancestors = set(_ancestors(self.table.parent, row))
        if self.folded & ancestors:
            self.folded -= ancestors
            self._rebuild()
        self.cursor = row

    # folding

    def fold(self, row: int) -> None:
        """Hide what is below a visible row."""
        if row in self.folded or not self.has_children(row):
            return
        self.folded.add(row)
        first = bisect_right(self.rows, row)
        del self.rows[first : bisect_left(self.rows, self.table.end[row], first)]
        self._keep_cursor_in_view()

    def unfold(self, row: int) -> None:
        """Show what is below a visible row, but for the folds inside it."""
        if row in self.folded:
            self.folded.remove(row)
            first = bisect_right(self.rows, row)
            self.rows[first:first] = self._open(row + 1, self.table.end[row])

    def toggle(self, row: int) -> None:
        if row in self.folded:
            self.unfold(row)
        else:
            self.fold(row)

    def fold_all(self, rows: set[int]) -> None:
        """Fold these as well, those that have something below."""
        self.folded |= rows & self._parents()
        self._rebuild()

    def toggle_subtree(self, row: int) -> None:
        """Open every fold in a subtree; where there is none, fold all of it."""
        end = self.table.end[row]
        inside = {fold for fold in self.folded if row <= fold < end}
        if inside:
            self.folded -= inside
        else:
            self.folded |= {parent for parent in self._parents() if row <= parent < end}
        self._rebuild()

    def toggle_all(self) -> None:
        """Open every fold; where there is none, fold everything below the root."""
        self.folded = set() if self.folded else self._parents() - {0}
        self._rebuild()

    # filtering

    def filter(self, query: str) -> None:
        """Keep the rows whose name, type or dotted path has the query in it, and their ancestors.

        Folds of the whole tree are kept aside, and come back when the filter is cleared.
        """
        query = query.strip().lower()
        if bool(query) != bool(self.query):
            self.folded, self._folded_unfiltered = self._folded_unfiltered, set(self.folded)
        self.query = query
        self._find()
        if query:
            self.folded = set()
            self.rows = list(self._kept)
            self._to_nearest_match()
        else:
            self.folded -= set(_ancestors(self.table.parent, self.cursor))
            self._rebuild()

    def toggle_ops(self) -> None:
        """Hide the ops, so that neither the tree nor the filter has them; or bring them back."""
        self.shows_ops = not self.shows_ops
        self._find()
        self._rebuild()

    def _find(self) -> None:
        """What the filter finds, and what is kept in view for it."""
        if self.query:
            found = find_rows(self.table, self.query)
            kinds = self.table.kind
            self.matches = found if self.shows_ops else [row for row in found if not kinds[row]]
            self._kept = with_ancestors(self.table.parent, self.matches)
        else:
            self.matches = []
            every = range(len(self.table))
            modules = compress(count(), map(not_, self.table.kind))
            self._kept = every if self.shows_ops else list(modules)

    def _to_nearest_match(self) -> None:
        if self.matches and not self.is_match(self.cursor):
            place = bisect_left(self.matches, self.cursor)
            self.cursor = self.matches[min(place, len(self.matches) - 1)]

    # the visible rows

    def _rebuild(self) -> None:
        self.rows = self._open(0, len(self.table))
        self._keep_cursor_in_view()

    def _open(self, first: int, end: int) -> list[int]:
        """The kept rows of a span that no fold in the span hides."""
        kept = self._kept
        found: list[int] = []
        for fold in sorted(fold for fold in self.folded if first <= fold < end):
            if fold >= first:
                found += kept[bisect_left(kept, first) : bisect_right(kept, fold)]
                first = self.table.end[fold]
        return found + list(kept[bisect_left(kept, first) : bisect_left(kept, end)])

    def _keeps(self, row: int) -> bool:
        place = bisect_left(self._kept, row)
        return place < len(self._kept) and self._kept[place] == row

    def _keep_cursor_in_view(self) -> None:
        for row in (self.cursor, *_ancestors(self.table.parent, self.cursor)):
            place = bisect_left(self.rows, row)
            if place < len(self.rows) and self.rows[place] == row:
                self.cursor = row
                return
        self.move_to(self.place)

    def _parents(self) -> set[int]:
        return set(self.table.parent) - {UNKNOWN}


def _ancestors(parents: array[int], row: int) -> list[int]:
    """From the parent up to the root."""
    found = []
    while len(parents) and (row := parents[row]) != UNKNOWN:
        found.append(row)
    return found
