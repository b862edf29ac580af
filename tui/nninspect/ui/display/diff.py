"""The shortest way that we know from what a terminal shows to what it should show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, count, groupby
from operator import ne, or_
from typing import NamedTuple

from nninspect.ui.display.cells import EMPTY, PENS, Frame, Row
from nninspect.ui.display.pen import PLAIN
from nninspect.ui.display.shift import find_shift

SHORTEST_GAP = 5
"""Equal cells between others that cost no more to write again than to jump over."""


def changes(shown: dict[int, Row], frame: Frame) -> str:
    """What to write to a terminal that shows the rows, so that it shows the frame's as well."""
    shift = find_shift(shown, frame.rows)
    if shift is not None:
        shown, before = shift.apply(shown), shown
        wanted = {y: before.get(y, EMPTY) for y in range(shift.top, shift.bottom + 1)}
        wanted |= frame.rows
    else:
        wanted = frame.rows
    runs = [
        run
        for y in sorted(wanted)
        for start, end in spans(shown.get(y, EMPTY), wanted[y])
        for run in runs_of(y, wanted[y], start, end)
    ]
    orders = (runs, sorted(runs, key=_by_pen)) if len(runs) > 1 else (runs,)
    first = "" if shift is None else shift.sequence
    return min((written(order, first, frame.cursor) for order in orders), key=len)


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
        elif x - end > SHORTEST_GAP or (x > end and len(runs_of(0, after, end - 1, x + 1)) > 1):
            yield start, end
            start = x
        end = x + 1
    if start >= 0:
        yield start, end


class Run(NamedTuple):
    """Cells of one row that one pen draws: its place in `PENS`."""

    y: int
    x: int
    text: str
    pen: int


def runs_of(y: int, row: Row, start: int, end: int) -> list[Run]:
    """The cells of a row from `start` to before `end`, blanks in one run with what is beside them
    where its pen draws them alike."""
    runs: list[Run] = []
    x = start
    for pen, cells in groupby(row.styles[start:end]):
        text = row.text[x : x + len(list(cells))]
        run = Run(y, x, text, pen)
        x += len(text)
        if runs and _draws(runs[-1].pen, run):
            runs[-1] = runs[-1]._replace(text=runs[-1].text + text)
        elif runs and _draws(pen, runs[-1]):
            runs[-1] = runs[-1]._replace(text=runs[-1].text + text, pen=pen)
        else:
            runs.append(run)
    return runs


def _draws(pen: int, run: Run) -> bool:
    """Whether the run looks the same in another pen."""
    return pen == run.pen or (run.text.isspace() and PENS[pen].on_blanks == PENS[run.pen])


def _by_pen(run: Run) -> tuple[str, str, int]:
    """Those alike in colours next to each other: a colour takes more bytes than a move."""
    pen = PENS[run.pen]
    return pen.background, pen.foreground, run.pen


def written(runs: Iterable[Run], first: str, cursor: tuple[int, int]) -> str:
    """What writes the runs in their order, after what goes first; "" where there is nothing. Then
    the pen is put down and the cursor where it belongs."""
    pieces, pen, place = [first] if first else [], PLAIN, None
    for run in runs:
        pieces.append(_move(place, (run.y, run.x)))
        if not (run.text.isspace() and pen.on_blanks == PENS[run.pen]):
            pieces.append(pen.change_to(PENS[run.pen]))
            pen = PENS[run.pen]
        pieces.append(run.text)
        place = run.y, run.x + len(run.text)
    if not pieces:
        return ""
    return "".join((*pieces, pen.change_to(PLAIN), _move(place, cursor)))


def _move(start: tuple[int, int] | None, end: tuple[int, int]) -> str:
    """The short way along a row."""
    if start == end:
        return ""
    y, x = end
    if start is not None and start[0] == y and x > start[1]:
        gap = x - start[1]
        return f"\x1b[{gap if gap > 1 else ''}C"
    return f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
