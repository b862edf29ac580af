"""What of a layer tree is in view: its folds, its runs and its filter, as plain lists of rows.

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
from nninspect.protocol.layers import UNKNOWN
from nninspect.protocol.runs import Runs
from nninspect.ui.tree_filter import Finder, with_ancestors


class VisibleRows:
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
        self.runs = Runs(table)
        self._finder = Finder(table)
        self.folded: set[int] = {row for row in self.runs.of if table.end[row] > row + 1}
        """The rows whose children are hidden: at first the members of runs."""
        self.folded_runs: set[int] = set(self.runs.members)
        """The runs of which only the first member is in view, to stand for all of them.

        None of them are while there is a filter.
        """
        self._unfiltered: tuple[set[int], set[int]] = (set(), set())
        self._kept: Sequence[int] = range(len(table))
        self.rows: list[int] = self._open(0, len(table))

    def has_children(self, row: int) -> bool:
        """Whether anything below a row is kept, folded away or not."""
        after = bisect_right(self._kept, row)
        return after < len(self._kept) and self._kept[after] < self.table.end[row]

    def is_open(self, row: int) -> bool:
        """Whether rows below it are in view."""
        return not self.is_closed(row) and self.has_children(row)

    def is_closed(self, row: int) -> bool:
        """Whether it is folded, or stands for a run."""
        return row in self.folded or row in self.folded_runs

    def stands_for(self, row: int) -> tuple[int, ...]:
        """The members of the run that a visible row stands for; itself where it does not."""
        return self.runs.members[row] if row in self.folded_runs else (row,)

    @property
    def kept(self) -> Sequence[int] | None:
        """The rows that the filter and the hiding of ops leave; None where they leave all."""
        return None if self.shows_ops and not self.query else self._kept

    def is_match(self, row: int) -> bool:
        """Whether the filter found the row itself; every row without a filter."""
        if not self.query:
            return True
        place = bisect_left(self.matches, row)
        return place < len(self.matches) and self.matches[place] == row

    # folding

    def fold(self, row: int) -> None:
        """Hide what is below a visible row."""
        if self.is_open(row):
            self.folded.add(row)
            self._splice(row, self.table.end[row])

    def unfold(self, row: int) -> None:
        """Show what is below a visible row, or in its run, but for the folds inside."""
        if row in self.folded_runs:
            self.folded_runs.remove(row)
            self._splice(row, self.runs.end(row))
        elif row in self.folded:
            self.folded.remove(row)
            self._splice(row, self.table.end[row])

    def toggle(self, row: int) -> None:
        if self.is_closed(row):
            self.unfold(row)
        else:
            self.fold(row)

    def fold_run(self, row: int) -> bool:
        """Fold the run that a visible row is in; whether there was one to fold."""
        first = self.runs.of.get(row)
        if first is None or first in self.folded_runs or self.query:
            return False
        self.folded_runs.add(first)
        self._splice(first, self.runs.end(first))
        return True

    def toggle_runs(self) -> None:
        """Open every run; where none is folded, fold them all."""
        if not self.query:
            self.folded_runs = set() if self.folded_runs else set(self.runs.members)
            self.rebuild()

    def fold_only(self, rows: set[int], runs: set[int]) -> None:
        """Fold these rows and runs and no others, as far as they can be."""
        self.folded = rows & self._parents()
        self.folded_runs = runs & self._all_runs()
        self.rebuild()

    def toggle_subtree(self, row: int) -> None:
        """Open every fold in a subtree; where there is none, fold all of it."""
        end = self._end(row)
        if any(row <= fold < end for fold in (*self.folded, *self.folded_runs)):
            self.folded = {fold for fold in self.folded if not row <= fold < end}
            self.folded_runs = {run for run in self.folded_runs if not row <= run < end}
        else:
            self.folded |= {parent for parent in self._parents() if row <= parent < end}
            self.folded_runs |= {run for run in self._all_runs() if row < run < end}
        self.rebuild()

    def toggle_all(self) -> None:
        """Open every fold; where there is none, fold everything below the root."""
        if self.folded or self.folded_runs:
            self.fold_only(set(), set())
        else:
            self.fold_only(self._parents() - {0}, self._all_runs())

    # filtering

    def filter(self, query: str) -> None:
        """Keep the rows whose name, type, dotted path or shapes the query is in, and those above.

        Folds of the whole tree are kept aside, and come back when the filter is cleared.
        """
        query = query.strip().lower()
        if query and not self.query:
            self._unfiltered = self.folded, self.folded_runs
        elif self.query and not query:
            self.folded, self.folded_runs = self._unfiltered
        self.query = query
        self._find()
        if query:
            self.folded, self.folded_runs = set(), set()
            self.rows = list(self._kept)
            self._to_nearest_match()
        else:
            self.unfold_above(self.cursor)
            self.rebuild()

    def toggle_ops(self) -> None:
        """Hide the ops, so that neither the tree nor the filter has them; or bring them back."""
        self.shows_ops = not self.shows_ops
        self._find()
        self.rebuild()

    def _find(self) -> None:
        """What the filter finds, and what is kept in view for it."""
        if self.query:
            found = self._finder.find(self.query)
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

    def rebuild(self) -> None:
        """Make every visible row anew."""
        self.rows = self._open(0, len(self.table))
        self.keep_cursor_in_view()

    def _splice(self, first: int, end: int) -> None:
        """Make the visible rows of a span anew."""
        place = bisect_left(self.rows, first)
        self.rows[place : bisect_left(self.rows, end, place)] = self._open(first, end)
        self.keep_cursor_in_view()

    def _open(self, first: int, end: int) -> list[int]:
        """The kept rows of a span that no fold in the span hides."""
        kept = self._kept
        found: list[int] = []
        folds = self.folded | self.folded_runs
        for fold in sorted(fold for fold in folds if first <= fold < end):
            if fold >= first:
                found += kept[bisect_left(kept, first) : bisect_right(kept, fold)]
                first = self._end(fold)
        return found + list(kept[bisect_left(kept, first) : bisect_left(kept, end)])

    def _end(self, row: int) -> int:
        """One past the last row that a visible row has below it, or stands for."""
        return self.runs.end(row) if row in self.folded_runs else self.table.end[row]

    def unfold_above(self, row: int) -> None:
        """Open the folds and the runs that hide a row, but for a run that it stands for."""
        above = _ancestors(self.table.parent, row)
        self.folded -= set(above)
        self.folded_runs -= {self.runs.of.get(ancestor, UNKNOWN) for ancestor in above}
        if row not in self.runs.members:
            self.folded_runs.discard(self.runs.of.get(row, UNKNOWN))

    def keeps(self, row: int) -> bool:
        """Whether neither the filter nor the hiding of ops takes a row out of the tree."""
        place = bisect_left(self._kept, row)
        return place < len(self._kept) and self._kept[place] == row

    def keep_cursor_in_view(self) -> None:
        """Put the cursor on what stands for its row where that is hidden: its run, or a parent."""
        for row in (self.cursor, *_ancestors(self.table.parent, self.cursor)):
            for candidate in (row, self.runs.of.get(row, row)):
                place = bisect_left(self.rows, candidate)
                if place < len(self.rows) and self.rows[place] == candidate:
                    self.cursor = candidate
                    return
        if self.rows:
            self.cursor = self.rows[min(bisect_left(self.rows, self.cursor), len(self.rows) - 1)]

    def _parents(self) -> set[int]:
        return set(self.table.parent) - {UNKNOWN}

    def _all_runs(self) -> set[int]:
        """Those that can be folded now."""
        return set() if self.query else set(self.runs.members)


def _ancestors(parents: array[int], row: int) -> list[int]:
    """From the parent up to the root."""
    found = []
    while len(parents) and (row := parents[row]) != UNKNOWN:
        found.append(row)
    return found
