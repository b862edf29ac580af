"""Whether a block of rows has moved up or down, so that the terminal can move it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nninspect.ui.display.cells import EMPTY, UNKNOWN, Row, Rows

FEWEST_ROWS = 3
SEEN_SHARE = 0.6
"""Of a row's width, from the left: what a row is known again by, whatever stands beside it."""
WORTH = 40
"""Cells that must be spared, to be worth the sequences of a shift."""
PIECE = 8


class Shift(NamedTuple):
    """The rows from `top` to `bottom` move up by so many (`rows` > 0), or down."""

    top: int
    bottom: int
    rows: int

    def apply(self, shown: Rows) -> dict[int, Row]:
        """What a terminal shows after it; rows that it uncovered are not known."""
        moved = dict(shown)
        for y in range(self.top, self.bottom + 1):
            source = y + self.rows
            is_within = self.top <= source <= self.bottom
            moved[y] = shown.get(source, EMPTY) if is_within else EMPTY
        return moved

    @property
    def sequence(self) -> str:
        """A scroll region, lines deleted or inserted at its top, and no region again."""
        kind = "M" if self.rows > 0 else "L"
        region = f"\x1b[{self.top + 1};{self.bottom + 1}r\x1b[{self.top + 1}H"
        return f"{region}\x1b[{abs(self.rows) if abs(self.rows) > 1 else ''}{kind}\x1b[r"


def find_shift(shown: dict[int, Row], wanted: dict[int, Row]) -> Shift | None:
    """The shift that spares the most cells; None where none is worth it.

    `wanted` has the rows that were written; all but those stay as they are shown.
    """
    changed = sorted(y for y, row in wanted.items() if row != shown.get(y, EMPTY))
    if len(changed) < FEWEST_ROWS:
        return None
    top, bottom = changed[0], changed[-1]
    if not _is_known(shown, range(top, bottom + 1)):
        return None
    shifts = [Shift(top, bottom, rows) for rows in _likely(shown, wanted, top, bottom)]
    if not shifts:
        return None
    everything = {**shown, **wanted}
    best = _narrowed(max(shifts, key=lambda s: _fitting(shown, everything, s)), shown, everything)
    spared = _cost(shown, everything, best) - _cost(best.apply(shown), everything, best)
    return best if spared > WORTH else None


def _narrowed(shift: Shift, shown: Rows, wanted: Rows) -> Shift:
    """Without the rows at its ends that are better left where they are, as a line of titles."""
    start = max(shift.top, shift.top - shift.rows)
    end = min(shift.bottom, shift.bottom - shift.rows)
    gains = [
        _differing(shown[y], wanted[y]) - _differing(shown[y + shift.rows], wanted[y])
        for y in range(start, end + 1)
    ]
    first, last = _best_stretch(gains)
    return Shift(
        start + min(first, first + shift.rows), start + max(last, last + shift.rows), shift.rows
    )


def _best_stretch(gains: Sequence[int]) -> tuple[int, int]:
    """The first and the last of those next to each other that have the greatest sum."""
    best = total = 0
    found, first = (0, 0), 0
    for place, gain in enumerate(gains):
        if total <= 0:
            total, first = 0, place
        total += gain
        if total > best:
            best, found = total, (first, place)
    return found


def _fitting(shown: Rows, wanted: Rows, shift: Shift) -> int:
    """How many rows of the block would be in place, as far as one is known by its key."""
    block = range(shift.top, shift.bottom + 1)
    pairs = ((wanted[y], shown[y + shift.rows]) for y in block if y + shift.rows in block)
    return sum(_key(row) == _key(moved) for row, moved in pairs)


def _is_known(shown: Rows, block: range) -> bool:
    """Whether every cell is known, as a shift moves whole rows."""
    width = max(len(row.text) for row in shown.values()) if shown else 0
    rows = [shown.get(y, EMPTY) for y in block]
    return width > 0 and all(len(row.text) == width and UNKNOWN not in row.text for row in rows)


def _cost(shown: Rows, wanted: Rows, shift: Shift) -> int:
    """How many cells of the block have to be written."""
    block = range(shift.top, shift.bottom + 1)
    return sum(_differing(shown[y], wanted[y]) for y in block if y in wanted)


def _likely(shown: Rows, wanted: Rows, top: int, bottom: int) -> list[int]:
    """By how many rows most rows seem to have moved, or rows that look like others, by one."""
    rows = range(top, bottom + 1)
    keys = [_key(shown[y]) for y in rows]
    seen = Counter(keys)
    places = {key: y for key, y in zip(keys, rows, strict=True) if seen[key] == 1}
    votes: Counter[int] = Counter()
    for y in rows:
        place = places.get(_key(wanted.get(y, EMPTY)), y)
        votes[place - y] += place != y
    likely = [moved for moved, count in votes.most_common(2) if count]
    return [*likely, *(moved for moved in (1, -1) if moved not in likely)]


def _key(row: Row) -> str:
    return row.text[: int(len(row.text) * SEEN_SHARE)]


def _differing(before: Row, after: Row) -> int:
    """About how many cells differ, to the nearest piece."""
    if before.text == after.text:
        return 0 if before.styles == after.styles else len(after.text) // 2
    old, new = before.text, after.text
    places = range(0, len(new), PIECE)
    return PIECE * sum(old[x : x + PIECE] != new[x : x + PIECE] for x in places)
