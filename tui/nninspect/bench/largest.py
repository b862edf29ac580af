"""The largest batch that fits: predicted from the peaks of smaller ones, then closed in on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

MOST_ATTEMPTS = 12
CLOSE = 0.02
"""The smallest that does not fit is so near to the largest that does, as a share of it."""

SMALL = 8
"""The second batch to be tried: two points are a line."""
GROWTH = 16
"""Times the largest that fits: a prediction from small peaks is not trusted farther."""
MOST = 1 << 20


class Tried(NamedTuple):
    """One batch on the device."""

    fits: bool
    peak_bytes: int | None = None


class Found(NamedTuple):
    """What is known at the end of a search."""

    batch: int
    """0 where nothing fits."""
    too_large: int | None
    peak_bytes: int | None
    attempts: int

    @property
    def is_close(self) -> bool:
        """Or the most that is tried, and it fits."""
        if self.too_large is None:
            return self.batch >= MOST
        return is_close(self.batch, self.too_large)


def largest(attempt: Callable[[int], Tried], limit_bytes: int | None) -> Found:
    """Search upwards from 1. `attempt` runs a batch; `limit_bytes` is what its peak may be, where
    that is known, and only makes the search short."""
    peaks: dict[int, int | None] = {}
    too_large: int | None = None
    batch, attempts = 1, 0
    while True:
        tried = attempt(batch)
        attempts += 1
        if tried.fits:
            peaks[batch] = tried.peak_bytes
        else:
            too_large = batch
        low = max(peaks, default=0)
        found = Found(low, too_large, peaks.get(low), attempts)
        if found.is_close or attempts == MOST_ATTEMPTS:
            return found
        batch = following(peaks, too_large, limit_bytes)


def is_close(fits: int, too_large: int) -> bool:
    return too_large - fits <= max(1, CLOSE * too_large)


def following(
    peaks: Mapping[int, int | None], too_large: int | None, limit_bytes: int | None
) -> int:
    """The next batch to try, from the peaks of those that fit. Within what is still open."""
    low = max(peaks, default=0)
    guess = _guess(peaks, limit_bytes)
    just_above = low + max(1, math.floor(CLOSE * low))
    if too_large is None:
        wanted = low * GROWTH if guess is None else max(guess, just_above)
        return min(wanted, low * GROWTH if low > 1 else SMALL, MOST)
    if guess is None or not low < guess < too_large or _creeps(peaks):
        wanted = _middle(low, too_large)
    else:
        wanted = max(guess, just_above)
    return min(max(wanted, low + 1), too_large - 1)


def _guess(peaks: Mapping[int, int | None], limit_bytes: int | None) -> int | None:
    """Where the line through the two largest peaks meets the limit."""
    known = sorted((batch, peak) for batch, peak in peaks.items() if peak is not None)
    if limit_bytes is None or len(known) < 2:
        return None
    (small, less), (large, more) = known[-2:]
    slope = (more - less) / (large - small)
    return math.floor(large + (limit_bytes - more) / slope) if slope > 0 else None


def _creeps(peaks: Mapping[int, int | None]) -> bool:
    """The last step up was a small one, and there is still room: the line is no guide."""
    last = sorted(peaks)[-2:]
    return len(last) == 2 and last[1] - last[0] <= max(1, 2 * CLOSE * last[0])


def _middle(low: int, high: int) -> int:
    """By ratio, as what counts is a share; by halves at the small end."""
    return max((low + high) // 2 if low == 0 else math.isqrt(low * high), low + 1)
