"""Jumps along the edges of a layer tree: where they began, and where else they could have led."""

from __future__ import annotations

from typing import NamedTuple

from nninspect.protocol.layer_table import LayerTable


def flow(table: LayerTable, rows: tuple[int, ...], way: str) -> tuple[int, ...]:
    """The rows whose tensors come "in" to a row, or to the rows of a run, or go "out" of it.

    Of a row with others below it, those that lead into its subtree, or out of it.
    """
    first, end = rows[0], table.end[rows[-1]]
    if end == first + 1:
        return table.producers(first) if way == "in" else table.consumers(first)
    return table.inflow(first, end) if way == "in" else table.outflow(first, end)


class _Jump(NamedTuple):
    origin: int
    goals: tuple[int, ...]
    place: int


class Jumps:
    """The jumps that were made and not gone back on."""

    def __init__(self) -> None:
        self._made: list[_Jump] = []

    def jump(self, origin: int, goals: tuple[int, ...]) -> int | None:
        """From a row to the first of its goals; None where there is none."""
        if not goals:
            return None
        self._made.append(_Jump(origin, goals, 0))
        return goals[0]

    @property
    def goals(self) -> tuple[int, ...]:
        """Of the last jump; () where there is none."""
        return self._made[-1].goals if self._made else ()

    def another(self) -> int | None:
        """The next goal of the last jump, round the end."""
        if not self._made:
            return None
        last = self._made[-1]
        place = (last.place + 1) % len(last.goals)
        self._made[-1] = last._replace(place=place)
        return last.goals[place]

    def back(self) -> int | None:
        """The row that the last jump began at; it is forgotten."""
        return self._made.pop().origin if self._made else None
