"""The rows of the Weights tab: what each column holds, and how they are sorted."""

from __future__ import annotations

from collections.abc import Sequence

from nninspect.protocol.weights import TensorStats
from nninspect.text import bars, layers, shapes, units, weights
from nninspect.text.plain import plain
from nninspect.ui.columns import ARROWS

TITLES = {
    "path": "tensor",
    "share": "%",
    "bar": "",
    "count": "elements",
    "shape": "shape",
    "dtype": "dtype",
    "kind": "kind",
    "health": "health",
    "range": "range",
    "std": "std",
}
RIGHT = frozenset({"share", "count", "std"})
LEAST_WANTED = ("std", "range", "bar", "kind", "count", "dtype", "shape")
"""The order in which columns give way."""
BAR = 9
SORTS = ("share", "path", "dtype", "health", "std")


def titles(by: str, backwards: bool) -> dict[str, str]:
    """The title of each column, with the arrow of the order."""
    return {key: ARROWS[backwards] + title if key == by else title for key, title in TITLES.items()}


def cells(stats: TensorStats, whole: int) -> dict[str, str]:
    """What stands in each column; `whole` is the bytes of all tensors."""
    values = stats.values
    std = values.std if values else None
    low, high = (values.low, values.high) if values else (None, None)
    return {
        "path": plain(stats.path),
        "share": layers.share(stats.size, whole),
        "bar": bars.bar(stats.size / whole if whole else 0.0, BAR),
        "count": units.count(stats.count),
        "shape": shapes.shape(stats.shape),
        "dtype": plain(stats.dtype),
        "kind": weights.kind(stats),
        "health": weights.health(stats),
        "range": f"{weights.number(low)} … {weights.number(high)}" if values else units.NONE,
        "std": weights.number(std),
    }


def arranged(
    tensors: Sequence[TensorStats], by: str, backwards: bool = False
) -> tuple[TensorStats, ...]:
    """The largest first; by health, the broken ones and then what stands out first."""
    keys = {
        "share": lambda each: -each.size,
        "path": lambda each: each.path,
        "dtype": lambda each: (each.dtype, -each.size),
        "health": lambda each: (
            not weights.is_broken(each),
            weights.health(each) == weights.FINE,
            -each.size,
        ),
        "std": lambda each: -((each.values.std if each.values else None) or 0.0),
    }
    return tuple(sorted(tensors, key=keys[by], reverse=backwards))
