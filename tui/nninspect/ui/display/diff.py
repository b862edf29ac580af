"""The shortest way that we know from what a terminal shows to what it should show."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import compress, count, groupby
from operator import ne, or_

from nninspect.ui.display.cells import EMPTY, PENS, Frame, Row
from nninspect.ui.display.pen import PLAIN, SHOWN_ON_BLANKS, Pen
from nninspect.ui.display.shift import find_shift

SHORTEST_GAP = 5
"""Equal cells between others that cost no more to write again than to jump over."""


def changes(shown: dict[int, Row], frame: Frame) -> str:
    """What to write to a terminal that shows the rows, so that it shows the frame's as well."""
    writer = _Writer()
    shift = find_shift(shown, frame.rows)
    if shift is not None:
        writer.pieces.append(shift.sequence)
        shown, before = shift.apply(shown), shown
        wanted = {y: before.get(y, EMPTY) for y in range(shift.top, shift.bottom + 1)}
        wanted |= frame.rows
    else:
        wanted = frame.rows
    for y in sorted(wanted):
        for start, end in spans(shown.get(y, EMPTY), wanted[y]):
            writer.write(y, start, wanted[y], end)
    return writer.finish(frame.cursor)


def spans(before: Row, after: Row) -> Iterator[tuple[int, int]]:
    """The stretches of a row that differ, those with little between them as one."""
    if before == after:
        return
    before = before.padded(len(after.text))
    flags = map(or_, map(ne, before.text, after.text), map(ne, before.styles, after.styles))
    start = end = -1
    for x in compress(count(), flags):
        if start < 0:
            start = x
        elif x - end > SHORTEST_GAP or (x > end and not _is_one_pen(after.styles, end - 1, x)):
            yield start, end
            start = x
        end = x + 1
    if start >= 0:
        yield start, end


def _is_one_pen(styles: array[int], first: int, last: int) -> bool:
    return len(set(styles[first : last + 1])) == 1


class _Writer:
    """It gathers sequences, and knows where they leave the cursor and the pen."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._pen = PLAIN
        self._place: tuple[int, int] | None = None

    def write(self, y: int, start: int, row: Row, end: int) -> None:
        """The cells of a row from `start` to before `end`."""
        self._move(y, start)
        place = start
        for style, cells in groupby(row.styles[start:end]):
            stop = place + len(list(cells))
            text = row.text[place:stop]
            self._take(PENS[style], text)
            self.pieces.append(text)
            place = stop
        self._place = (y, end)

    def finish(self, cursor: tuple[int, int]) -> str:
        """Everything, with the pen put down and the cursor where it belongs."""
        if not self.pieces:
            return ""
        self._take(PLAIN, "")
        self._move(*cursor)
        return "".join(self.pieces)

    def _take(self, pen: Pen, text: str) -> None:
        """Blanks are drawn with whatever pen draws them alike."""
        if text.isspace() and self._pen.on_blanks == pen and not pen.attributes & SHOWN_ON_BLANKS:
            return
        self.pieces.append(self._pen.change_to(pen))
        self._pen = pen

    def _move(self, y: int, x: int) -> None:
        """The short way along a row; right after the row's end, the cursor's place is unsure."""
        if self._place == (y, x):
            return
        if self._place is not None and self._place[0] == y and x > self._place[1]:
            gap = x - self._place[1]
            self.pieces.append(f"\x1b[{gap if gap > 1 else ''}C")
        else:
            self.pieces.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        self._place = (y, x)
