"""Durations and ratios whose digits end at their interval."""

from __future__ import annotations

import math

from nninspect.protocol.bench import Compare
from nninspect.protocol.bench_figures import Latency
from nninspect.text import units

SIGNIFICANT = 4
"""Digits at most, however narrow the interval."""
ONE_UNIT = 10
"""Times the lower end: beyond it both ends to the same place read badly, as 0–24 ms."""


def median(latency: Latency) -> str:
    """ "2.31 ms", with no digit that the interval leaves open."""
    return rounded(latency.median_s, latency.ci_high_s - latency.ci_low_s)


def interval(latency: Latency) -> str:
    """ "2.28–2.35 ms"; of a single round there is none."""
    if len(latency.kept) == 1:
        return units.NONE
    return between(latency.ci_low_s, latency.ci_high_s, latency.median_s)


def between(low_s: float, high_s: float, middle_s: float) -> str:
    """ "2.28–2.35 ms", in the unit of what lies between; "152 µs–280 ms" where one would not do."""
    if high_s > ONE_UNIT * low_s:
        return f"{units.seconds(low_s)}–{units.seconds(high_s)}"
    low, unit = _in_unit(low_s, high_s - low_s, middle_s)
    high, _ = _in_unit(high_s, high_s - low_s, middle_s)
    return f"{low}–{high} {unit}"


def rounded(seconds: float, width: float) -> str:
    """A duration whose last digit is that of the interval's half-width."""
    number, unit = _in_unit(seconds, width, seconds)
    return f"{number} {unit}"


def _in_unit(seconds: float, width: float, scale_of: float) -> tuple[str, str]:
    """The number and its unit, by the unit of `scale_of`."""
    shown = units.seconds(scale_of)
    unit = shown.split()[-1]
    scale = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    return digits(seconds / scale, width / scale, scale_of / scale), unit


def ratio(found: Compare) -> str:
    """ "12.3× (11.9–12.6)"; of a single pair there is no interval."""
    assert found.ratio is not None
    assert found.ci_low is not None
    assert found.ci_high is not None
    low, high, width = found.ci_low, found.ci_high, found.ci_high - found.ci_low
    if high > ONE_UNIT * low:
        middle, *ends = (_two_digits(each) for each in (found.ratio, low, high))
    else:
        middle, *ends = (digits(each, width, found.ratio) for each in (found.ratio, low, high))
    return f"{middle}×" + ("" if found.n_pairs == 1 else f" ({ends[0]}–{ends[1]})")


def _two_digits(value: float) -> str:
    """Without an exponent: "0.023", "230"."""
    return f"{float(f'{value:.2g}'):,g}"


def digits(value: float, width: float, scale_of: float) -> str:
    """`value` to the place of the first digit of half the width; whole numbers at least."""
    most = SIGNIFICANT - 1 - math.floor(math.log10(abs(scale_of))) if scale_of else 0
    wanted = most if width <= 0 else -math.floor(math.log10(width / 2))
    return f"{value:.{max(0, min(most, wanted))}f}"
