"""What takes a time: the work held against what the device can do at most (a roofline).

Three lower bounds of the seconds that a piece of work takes: its products at the speed of a large
matrix product, its bytes at the speed of a copy of as many, its calls at that of the smallest
layer. What accounts for half of the measured time is what bounds it. Williams, Waterman and
Patterson, "Roofline", 2009; here with a bandwidth for each size of working set, since small
layers never leave the caches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from nninspect.engine.work import ForwardWork, Own
from nninspect.protocol.bench_figures import LayerTimes, Work
from nninspect.protocol.roofline import Bound, Limits

ACCOUNTS_FOR = 0.5
"""Of the measured seconds: what bounds them takes so large a share at least."""

MOST_OF_MEMORY = 1.25
"""Bytes that would take longer than this share of the measured seconds came from a nearer memory
than the one whose speed is known."""


def bound(own: Iterable[Own], limits: Limits | None, seconds: float) -> Bound:
    """What takes those seconds; "" where it can't be told, or nothing does."""
    if limits is None or seconds <= 0:
        return ""
    pieces = list(own)
    products = sum(each.mult_adds or 0 for each in pieces)
    moved = sum(each.bytes / limits.bandwidth(each.bytes) for each in pieces)
    least: dict[Bound, float] = {
        "compute-bound": 2 * products / limits.flops_per_s,
        "memory-bound": moved if moved <= MOST_OF_MEMORY * seconds else 0.0,
        "launch-bound": limits.launch_s * sum(each.calls for each in pieces),
    }
    name = max(least, key=lambda each: least[each])
    return name if least[name] >= ACCOUNTS_FOR * seconds else ""


def work(found: ForwardWork, limits: Limits | None, seconds: float, known: Bound = "") -> Work:
    """A whole forward. `known`: what was seen to bound it, which needs no limits."""
    flops = 2 * (found.mult_adds or 0)
    return Work(
        flops=flops,
        achieved_flops_per_s=flops / seconds,
        uncounted_ops=found.uncounted,
        bound=known or bound(found.by_path.values(), limits, seconds),
    )


def tagged(times: LayerTimes, by_path: Mapping[str, Own], limits: Limits | None) -> LayerTimes:
    """The layers with what their own code computes, and what takes its time."""

    def tag(layer_path: str, seconds: float) -> tuple[int | None, Bound]:
        own = by_path.get(layer_path)
        if own is None:
            return None, ""
        flops = None if own.mult_adds is None else 2 * own.mult_adds
        return flops, bound([own], limits, seconds)

    layers = []
    for layer in times.layers:
        flops, name = tag(layer.path, layer.self_s)
        layers.append(replace(layer, flops=flops, bound=name))
    return replace(times, layers=tuple(layers))
