"""What the share of a layer can be of: parameters, mult-adds, allocated bytes, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN

Times = Mapping[str, float]
"""Seconds by module path, where a benchmark took them."""


def times_of(result: BenchResult | None) -> Times | None:
    """Of the first row in which every layer was timed; None where none has any."""
    for row in result.rows if result else ():
        if row.layers is not None:
            return {layer.path: layer.total_s for layer in row.layers.layers}
    return None


class Measure(NamedTuple):
    """One figure a row. A row's includes what is below it."""

    key: str
    title: str
    values: Sequence[float]

    def of(self, rows: Sequence[int]) -> float:
        return sum(self.values[row] for row in rows)

    @property
    def whole(self) -> float:
        return self.values[0] if len(self.values) else 0

    def share(self, rows: Sequence[int]) -> float:
        """Of the whole model, 0 to 1; 0 where the model has none of it."""
        return self.of(rows) / self.whole if self.whole else 0.0


PARAMETERS = "params"
TITLES = {PARAMETERS: "params", "mult_adds": "mult-adds", "allocated": "allocated", "time": "time"}


def measure(table: LayerTable, key: str, times: Times | None = None) -> Measure:
    """One measure of a tree; figures that are not known count as none."""
    values: Sequence[float] = table.total_parameters
    if key == "mult_adds":
        values = [0 if value == UNKNOWN else value for value in table.mult_adds]
    elif key == "allocated":
        values = _with_below(table, table.output_bytes)
    elif key == "time":
        values = _times(table, times or {})
    return Measure(key, TITLES[key], values)


def after(key: str, has_times: bool) -> str:
    """The next measure, round the end."""
    keys = [each for each in TITLES if each != "time" or has_times]
    return keys[(keys.index(key) + 1) % len(keys)] if key in keys else keys[0]


def heaviest(table: LayerTable, found: Measure, most: int = 20) -> tuple[int, ...]:
    """The rows with the most of their own, what is below them left out, the heaviest first."""
    own = list(found.values)
    for row, parent in enumerate(table.parent):
        if parent != UNKNOWN:
            own[parent] -= found.values[row]
    ranked = sorted((row for row, value in enumerate(own) if value > 0), key=lambda row: -own[row])
    return tuple(ranked[:most])


def _with_below(table: LayerTable, own: Sequence[int]) -> list[float]:
    total: list[float] = list(own)
    for row in range(len(total) - 1, 0, -1):
        total[table.parent[row]] += total[row]
    return total


def _times(table: LayerTable, times: Times) -> list[float]:
    from nninspect.ui.tree_state import paths

    return [times.get(path, 0.0) for path in paths(table)]
