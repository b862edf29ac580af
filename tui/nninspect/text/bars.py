"""Bars and histograms of block characters."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = " ▁▂▃▄▅▆▇█"


def bar(fraction: float, width: int) -> str:
    """A bar in exactly so many cells, in eighths of one; anything above none shows."""
    eighths = round(8 * width * max(0.0, min(fraction, 1.0)))
    if fraction > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def spark(counts: Sequence[int], width: int) -> str:
    """A histogram as one line of at most so many cells; a bin that is not empty shows."""
    bins = _merged(counts, width)
    most = max(bins, default=0)
    return "".join(_HEIGHTS[_height(count, most)] for count in bins)


def _height(count: int, most: int) -> int:
    return max(1, round(8 * count / most)) if count else 0


def _merged(counts: Sequence[int], width: int) -> list[int]:
    """Neighbours together, so that there are no more bins than cells."""
    each = -(-len(counts) // max(width, 1)) or 1
    return [sum(counts[start : start + each]) for start in range(0, len(counts), each)]
