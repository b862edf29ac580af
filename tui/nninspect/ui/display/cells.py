"""Rows of cells, and how they are read from what is written to a terminal."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from nninspect.ui.display.pen import PLAIN, Pen, read_sgr

UNKNOWN = "\0"
"""A cell of which it is not known what the terminal shows."""

KEPT_PIECES = 4_096

PENS: list[Pen] = [PLAIN]
"""Every pen that was met, so that a cell's is a small number."""
_places: dict[Pen, int] = {PLAIN: 0}
MOST_PENS = 60_000


class Surprise(Exception):
    """Something was written that is not just text at a place in a style."""


class Row(NamedTuple):
    """One character a cell, and its pen's place in `PENS`."""

    text: str = ""
    styles: array[int] = array("H")

    def overwritten(self, x: int, piece: Row) -> Row:
        """The row with a piece of another written over it."""
        end = x + len(piece.text)
        before = self.padded(x)
        return Row(
            before.text[:x] + piece.text + before.text[end:],
            before.styles[:x] + piece.styles + before.styles[end:],
        )

    def cut(self, width: int) -> Row:
        """What a terminal shows that does not wrap: all beyond its width lands on its last cell."""
        if len(self.text) <= width:
            return self
        last = width - 1
        return Row(self.text[:last] + self.text[-1], self.styles[:last] + self.styles[-1:])

    def padded(self, width: int) -> Row:
        """The row with unknown cells up to a width."""
        missing = width - len(self.text)
        if missing <= 0:
            return self
        return Row(self.text + UNKNOWN * missing, self.styles + array("H", [0]) * missing)


EMPTY = Row()


def unknown(row: Row) -> Row:
    """As many cells, of which nothing is known."""
    return EMPTY.padded(len(row.text))


Rows = Mapping[int, Row]


class Frame(NamedTuple):
    """What was read: the rows that were written to, and where the cursor was left."""

    rows: dict[int, Row]
    cursor: tuple[int, int]


_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_TOKEN = re.compile(r"\x1b\[([0-9;]*)m|([^\x00-\x1f\x7f-\x9f]+)")


def read_frame(rows: Rows, data: str, width: int) -> Frame:
    """What a terminal of a width that shows the rows shows after the data. Raises Surprise.

    The data is what Textual writes: places, each with styled text that stays within its row.
    """
    start, *found = _MOVE.split(data)
    if start or not found:
        raise Surprise("it does not begin with a place")
    written: dict[int, Row] = {}
    x = y = 0
    for row, column, piece in zip(found[::3], found[1::3], found[2::3], strict=True):
        y, x = int(row) - 1, int(column) - 1
        if piece:
            read = _read_piece(piece)
            old = written.get(y, rows.get(y, EMPTY))
            written[y] = old.overwritten(x, read).cut(width)
            x += len(read.text)
    return Frame(written, (y, x))


@lru_cache(KEPT_PIECES)
def _read_piece(data: str) -> Row:
    """Styled text; ends of lines after it move only the cursor, which is placed next anyway."""
    text, styles, pen = "", array("H"), PLAIN
    data = data.rstrip("\n")
    place = 0
    while place < len(data):
        token = _TOKEN.match(data, place)
        if token is None:
            raise Surprise(f"an unknown sequence: {data[place : place + 12]!r}")
        place = token.end()
        parameters, piece = token.groups()
        if piece is None:
            changed = read_sgr(pen, parameters)
            if changed is None:
                raise Surprise(f"an unknown style: {parameters}")
            pen = changed
        else:
            _check_width(piece)
            text += piece
            styles += styled(piece, pen).styles
    if pen != PLAIN:
        raise Surprise("a style that does not end")
    return Row(text, styles)


def _check_width(text: str) -> None:
    if not text.isascii() and any(cell_len(character) != 1 for character in set(text)):
        raise Surprise("characters that are not one cell wide")


def styled(text: str, pen: Pen) -> Row:
    """Text in one pen; blanks get the pen that draws them alike, so that equal cells are equal."""
    style, blank = _place(pen), _place(pen.on_blanks)
    if style == blank or " " not in text:
        return Row(text, array("H", [style]) * len(text))
    return Row(text, array("H", [blank if each == " " else style for each in text]))


def _place(pen: Pen) -> int:
    place = _places.get(pen)
    if place is None:
        if len(PENS) >= MOST_PENS:
            raise Surprise("more styles than one can tell apart")
        place = _places[pen] = len(PENS)
        PENS.append(pen)
    return place
