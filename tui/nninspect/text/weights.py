"""A tensor's statistics as they are written."""

from __future__ import annotations

from nninspect.protocol.weights import TensorStats, Values
from nninspect.text import units

FINE = "ok"
BROKEN = frozenset({"NaN", "Inf"})
"""Words of `health` that stand for values nothing can be computed with."""


def number(value: float | None) -> str:
    """Three digits: 0.03125 → "0.0312"."""
    return units.NONE if value is None else f"{value + 0.0:.3g}"  # no "-0"


def health(stats: TensorStats) -> str:
    """What stands out of a tensor's values, in a word or two; "?" where there are none."""
    values = stats.values
    if values is None:
        return units.UNKNOWN
    if values.nans or values.infs:
        return " ".join(word for word, n in (("NaN", values.nans), ("Inf", values.infs)) if n)
    if values.low is None:
        return "empty"
    if values.low == values.high and stats.count > 1:
        return "all zeros" if values.low == 0 else f"all {number(values.low)}"
    if values.zeros > values.looked_at / 2 and stats.count > 1:
        return f"{units.percent(values.zeros, values.looked_at)} zeros"
    return FINE


def is_broken(stats: TensorStats) -> bool:
    return not BROKEN.isdisjoint(health(stats).split())


def kind(stats: TensorStats) -> str:
    """ "buffer", "trainable" or "frozen"; "stored" where that can't be told."""
    if stats.is_stored:
        return "stored"
    if stats.is_buffer:
        return "buffer"
    return "trainable" if stats.is_trainable else "frozen"


def sentences(stats: TensorStats) -> tuple[str, ...]:
    """Range and moments, then zeros and what is broken, then how many values that is of."""
    values = stats.values
    if values is None:
        return (stats.unknown,)
    found = (
        f"{number(values.low)} … {number(values.high)}  mean {number(values.mean)}"
        f"  std {number(values.std)}",
        f"zeros {units.percent(values.zeros, values.looked_at)}{_broken(values)}",
        f"mean, std and zeros of {units.count(values.looked_at)} values drawn at random"
        if stats.is_sampled
        else "",
    )
    return tuple(filter(None, found))


def _broken(values: Values) -> str:
    counts = (("NaN", values.nans), ("Inf", values.infs))
    return "".join(f"  {word} {units.count(n)}" for word, n in counts)
