"""The cursor of a layer tree's view, and how it moves through the visible rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from nninspect.protocol.layers import UNKNOWN, Kind
from nninspect.ui.visible_rows import VisibleRows


class TreeModel(VisibleRows):
    """The visible rows of one layer tree, and a cursor that always is on one of them."""

    @property
    def place(self) -> int:
        """Where the cursor stands among the visible rows."""
        return bisect_left(self.rows, self.cursor)

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
        if not self.keeps(row):
            self.filter("")
        self.unfold_above(row)
        self.folded_runs.discard(self.runs.of.get(row, UNKNOWN))
        self.cursor = row
        self.rebuild()
