"""Siblings of a layer tree in another order; the tree stays the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN
from nninspect.ui.measures import Measure

CALL_ORDER = ""
SORTS = {
    CALL_ORDER: "call order",
    "module": "name",
    "type": "type",
    "inputs": "input shape",
    "outputs": "output shape",
    "params": "parameters",
    "share": "share, as shown",
    "own": "own parameters",
    "trainable": "trainable parameters",
    "mult_adds": "mult-adds",
    "calls": "calls",
    "dtype": "dtype",
    "device": "device",
}
"""What siblings can be sorted by."""
BY_TEXT = frozenset({"module", "type", "dtype", "device"})
"""Sorted from A on; the others from the largest on."""

Key: TypeAlias = Callable[[int], Any]


def arranged(table: LayerTable, by: str, backwards: bool, share: Measure) -> LayerTable:
    """The same tree, siblings sorted; those that are equal stay in call order, but for those of
    equal structure, which stand together."""
    if by == CALL_ORDER and not backwards:
        return table
    return table.reordered(_order(table, _key(table, by, share), backwards != (by not in BY_TEXT)))


def _order(table: LayerTable, key: Key, descending: bool) -> list[int]:
    """Every row in pre-order, the children of each sorted."""
    order: list[int] = []
    waiting = [0] if len(table) else []
    while waiting:
        row = waiting.pop()
        order.append(row)
        if table.end[row] > row + 1:
            children = _alike_together(table, list(table.children(row)))
            children.sort(key=key, reverse=descending)
            waiting.extend(reversed(children))
    return order


def _alike_together(table: LayerTable, siblings: list[int]) -> list[int]:
    """Those of equal structure behind the first of them, so that a run of equals folds although
    others stood between."""
    first: dict[int, int] = {}
    return sorted(siblings, key=lambda row: first.setdefault(table.signature[row] or -row, row))


def _key(table: LayerTable, by: str, share: Measure) -> Key:
    if by in BY_TEXT:
        column = {"module": table.name, "type": table.type}.get(by)
        places = column or (table.dtype if by == "dtype" else table.device)
        return lambda row: _natural(table.texts[places[row]])
    if by in ("inputs", "outputs"):
        shown = table.inputs if by == "inputs" else table.outputs
        return lambda row: _elements(table, shown[row])
    figures: dict[str, Sequence[float]] = {
        "params": table.total_parameters,
        "share": share.values,
        "own": table.own_parameters,
        "trainable": table.trainable_parameters,
        "mult_adds": table.mult_adds,
        "calls": table.calls,
    }
    figure = figures.get(by)
    return (lambda row: -row) if figure is None else figure.__getitem__


def _natural(text: str) -> tuple[int, int, str]:
    """Numbers by their value, before names."""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text.lower())


def _elements(table: LayerTable, place: int) -> int:
    """Of all tensors together; fewer than none where they are not known."""
    if place == UNKNOWN:
        return -1
    total = 0
    for tensor in table.tensors[place]:
        elements = 1
        for size in tensor.shape:
            elements *= size
        total += elements
    return total
