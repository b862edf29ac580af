"""From samples and round medians to figures: every one a pure function of what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from nninspect.protocol.bench_figures import Latency, Round

CONFIDENCE = 0.95
"""An interval is the narrowest pair of ordered rounds that has at least this coverage."""

FLOOR = 0.05
"""The quantile that stands for a call with nothing in its way; the minimum is a lucky one."""

P90_SAMPLES = 100
P99_SAMPLES = 1_000
"""Ten samples lie beyond a tail that is told."""

BIMODAL_SHARE = 0.15
"""Each of two modes has at least this share of the samples."""
BIMODAL_DISTANCE = 0.05
"""They are at least this far apart, as a share of the lower one."""
BIMODAL_SEPARATION = 4.5
"""And this many of their own deviations (Ashman's D). Halves of a normal distribution are 2.7
apart, those of a uniform one 3.5."""

LEAST_FOR_DRIFT = 5
"""Rounds, to have a first and a last fifth."""

LEAST_FOR_MODES = 20
"""Samples, to see two modes in them."""


class Interval(NamedTuple):
    """A confidence interval of a median: two of the ordered values."""

    low: float
    high: float
    low_rank: int
    """From 1."""
    high_rank: int
    of: int
    coverage: float
    """The chance that the median lies within; below CONFIDENCE where there are too few values."""

    @property
    def method(self) -> str:
        return (
            f"ordered rounds {self.low_rank} to {self.high_rank} of {self.of}"
            f" ({100 * self.coverage:.1f} %)"
        )


def quantile(values: Sequence[float], fraction: float) -> float:
    """The value at that fraction of the ordered values, interpolated between its neighbours.

    The "linear" definition (Hyndman and Fan, type 7), as numpy and torch use it.
    """
    if not values:
        raise ValueError("a quantile needs at least one value")
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def coverage(count: int, rank: int) -> float:
    """The chance that a median lies between the `rank`th lowest and highest of `count` values.

    Each value is below the median with one half, whatever the distribution (binomial).
    """
    outside = 2 * sum(math.comb(count, below) for below in range(rank))
    return max(0.0, 1 - outside / (1 << count))


def interval_rank(count: int) -> int:
    """The largest rank, from 1, whose coverage is enough; 1 where none is."""
    wide_enough = (
        rank for rank in range((count + 1) // 2, 0, -1) if coverage(count, rank) >= CONFIDENCE
    )
    return next(wide_enough, 1)


def interval(values: Sequence[float]) -> Interval:
    """The order-statistic interval of the values' median. Raises ValueError without values."""
    if not values:
        raise ValueError("an interval needs at least one value")
    ordered, count = sorted(values), len(values)
    rank = interval_rank(count)
    return Interval(
        ordered[rank - 1],
        ordered[count - rank],
        rank,
        count + 1 - rank,
        count,
        coverage(count, rank),
    )


def latency(
    rounds: Sequence[Round],
    samples: Sequence[float],
    calls_per_sample: int = 1,
    warmup_calls: int = 0,
) -> Latency:
    """The figures of one configuration from its rounds and the samples of those that were kept.

    Raises ValueError where no round was kept.
    """
    medians = [each.median_s for each in rounds if not each.discarded]
    found = interval(medians)
    return Latency(
        median_s=median(medians),
        ci_low_s=found.low,
        ci_high_s=found.high,
        ci_method=found.method,
        floor_s=quantile(samples, FLOOR),
        p90_s=tail(samples, 0.90, P90_SAMPLES, calls_per_sample),
        p99_s=tail(samples, 0.99, P99_SAMPLES, calls_per_sample),
        n_calls=len(samples) * calls_per_sample,
        calls_per_sample=calls_per_sample,
        warmup_calls=warmup_calls,
        rounds=tuple(rounds),
    )


def tail(
    samples: Sequence[float], fraction: float, least: int, calls_per_sample: int
) -> float | None:
    """A high quantile of calls; None of too few, and of block means, which have no tail."""
    if calls_per_sample > 1 or len(samples) < least:
        return None
    return quantile(samples, fraction)


def drift(medians: Sequence[float]) -> float | None:
    """How far the last fifth of the rounds is from the first, a share; None of too few."""
    if len(medians) < LEAST_FOR_DRIFT:
        return None
    fifth = max(1, round(len(medians) / 5))
    return median(medians[-fifth:]) / median(medians[:fifth]) - 1


def is_bimodal(samples: Sequence[float]) -> bool:
    """Whether the samples fall into two modes, as of a clock that goes between two speeds.

    They are split where the variance within both halves is least (Otsu); both halves must be
    common, far from each other, and far apart for their width. Outliers, a twentieth at either
    end, are left out.
    """
    if len(samples) < LEAST_FOR_MODES:
        return False
    cut = len(samples) // 20
    ordered = sorted(samples)[cut : len(samples) - cut]
    lower, upper = _split(ordered)
    if min(len(lower), len(upper)) < BIMODAL_SHARE * len(ordered):
        return False
    low, high = _mean(lower), _mean(upper)
    if high - low < BIMODAL_DISTANCE * low:
        return False
    width = math.sqrt((_variance(lower, low) + _variance(upper, high)) / 2)
    return high - low > BIMODAL_SEPARATION * width


def _split(ordered: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Where the weighted squared distance of the two means is greatest."""
    total, count = math.fsum(ordered), len(ordered)
    below, best, place = 0.0, -1.0, 1
    for size in range(1, count):
        below += ordered[size - 1]
        apart = below / size - (total - below) / (count - size)
        if (score := size * (count - size) * apart * apart) > best:
            best, place = score, size
    return ordered[:place], ordered[place:]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _variance(values: Sequence[float], mean: float) -> float:
    return math.fsum((each - mean) ** 2 for each in values) / len(values)
