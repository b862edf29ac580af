"""Which rows of the screen the lines of a log take, where long ones go on in the next row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from rich.cells import cell_len, chop_cells

from nninspect.ui.spans import Span


class LogRows:
    """Lines stand one below the other; `width` is what of a row is theirs, None for all they take.

    A wrapped line is broken at any character, as a terminal does it: that a row is full is known
    without looking at words, and a log has thousands of lines.
    """

    def __init__(self, texts: Sequence[str], width: int | None) -> None:
        self._width = None if width is None else max(2, width)  # room for a wide character
        self._starts: Sequence[int] = range(len(texts) + 1)
        if self._width is not None:
            self._starts = [0, *accumulate(len(self.pieces(text)) for text in texts)]

    def __len__(self) -> int:
        return self._starts[-1]

    def first(self, place: int) -> int:
        """The row that the line at a place begins in; the end for a place behind the last."""
        return self._starts[min(place, len(self._starts) - 1)]

    def last(self, place: int) -> int:
        """The row that it ends in."""
        return self.first(place + 1) - 1

    def at(self, row: int) -> tuple[int, int]:
        """The place of the line that a row is of, and which of its pieces it is."""
        place = bisect_right(self._starts, row) - 1
        return place, row - self.first(place)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each row of a line begins and ends in its text; at least one."""
        width = self._width
        if width is None or cell_len(text) <= width:
            return [(0, len(text))]
        if text.isascii():
            return [(start, start + width) for start in range(0, len(text), width)]
        ends = list(accumulate(map(len, chop_cells(text, width))))
        return list(zip([0, *ends], ends, strict=False))


def cut(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    """What of some spans lies between two characters."""
    found, place = [], 0
    for span in spans:
        text = span.text[max(0, start - place) : max(0, end - place)]
        place += len(span.text)
        if text:
            found.append(span._replace(text=text))
    return tuple(found)
