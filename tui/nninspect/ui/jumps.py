"""Jumps along the edges of a layer tree: where they began, and where else they could have led."""

from __future__ import annotations

from typing import NamedTuple

from nninspect.protocol.layer_table import LayerTable


def flow(table: LayerTable, row: int, way: str) -> tuple[int, ...]:
    """The rows whose tensors come "in" to a row, or that its own go "out" to.

    Of a row with others below it, those that lead into its subtree, or out of it.
    """
    end = table.end[row]
    if end == row + 1:
        return table.producers(row) if way == "in" else table.consumers(row)
    return table.inflow(row, end) if way == "in" else table.outflow(row, end)


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
