"""Cells that are too wide: what is in the middle of a list of shapes goes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

ELLIPSIS = "…"
LEAST = 32
"""No cell is made narrower: two shapes of four dimensions, or one with its key, can be read."""
GAP = 2
"""Between two columns."""


def fitted(
    titles: Sequence[str], rows: Iterable[Sequence[str]], columns: Sequence[int], width: int
) -> list[tuple[str, ...]]:
    """The rows with the cells of these columns made narrower, as far as the table needs to fit.

    The widest of them gives first. A table that is wider all the same is left so.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    excess = sum(widths) + GAP * (len(widths) - 1) - width
    most = _narrowed({column: widths[column] for column in columns}, excess)
    return [
        tuple(elided(cell, most.get(place, len(cell))) for place, cell in enumerate(row))
        for row in rows
    ]


def _narrowed(widths: dict[int, int], excess: int) -> dict[int, int]:
    while excess > 0 and max(widths.values(), default=0) > LEAST:
        widest = max(widths, key=widths.__getitem__)
        widths[widest] -= 1
        excess -= 1
    return widths


def elided(text: str, width: int) -> str:
    """A list of shapes without its middle: "0=(2, 8), …, mask=(2,)"; the last and as many of the
    first as fit. What is no list, or is too wide even so, loses the middle of its letters."""
    if len(text) <= width:
        return text
    parts = _parts(text)
    for kept in range(len(parts) - 2, 0, -1):
        shorter = ", ".join((*parts[:kept], ELLIPSIS, parts[-1]))
        if len(shorter) <= width:
            return shorter
    before = width // 2
    return text[:before] + ELLIPSIS + text[len(text) - (width - before - 1) :]


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
