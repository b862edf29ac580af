"""Counts, bytes, seconds and ratios as people read them; stored units stay SI."""

from __future__ import annotations

from collections.abc import Sequence

_COUNT_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTE_UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_TIME_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_ROUNDS_UP = 0.9995
"""From this share of a unit on, three digits of the next smaller one would read "1000"."""
_BYTES_ROUND_UP = 1 - 0.5 / 2**10

UNKNOWN = "?"
"""What stands for a figure that is not known."""

NONE = "–"
"""What stands for a figure that there is none of."""


def count(value: int | None) -> str:
    """Every digit: 175258 → "175,258"."""
    return UNKNOWN if value is None else f"{value:,}"


def short_count(value: float | None) -> str:
    """Three digits and a unit: 40_127_000 → "40.1 M"; below a thousand as it is."""
    if value is None:
        return UNKNOWN
    for scale, unit in _COUNT_UNITS:
        if abs(value) >= _ROUNDS_UP * scale:
            return f"{_three_digits(value / scale)} {unit}"
    return f"{value:.3g}"


def size(value: int | None) -> str:
    """Bytes with a binary unit: 2048 → "2.00 KiB"."""
    if value is None:
        return UNKNOWN
    for scale, unit in _BYTE_UNITS:
        if value >= _BYTES_ROUND_UP * scale:
            return f"{_three_digits(value / scale)} {unit}"
    return f"{value} B"


def seconds(value: float | None) -> str:
    """A duration in the unit that gives it three digits: 0.00231 → "2.31 ms"."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0 s"
    for scale, unit in _TIME_UNITS:
        if abs(value) >= _ROUNDS_UP * scale:
            return f"{_three_digits(value / scale)} {unit}"
    return f"{value / 1e-9:.3g} ns"


def counted(value: int, noun: str) -> str:
    """A count with its noun: 1 → "1 module", 1200 → "1,200 modules"."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def percent(part: float, whole: float) -> str:
    """A share with one decimal: (1, 8) → "12.5%"; of nothing it is "–"."""
    return NONE if whole == 0 else f"{100 * part / whole:.1f}%"


def ratio(value: float | None) -> str:
    """A speed-up: 12.34 → "12.3×"."""
    return NONE if value is None else f"{_three_digits(value)}×"


def _three_digits(value: float) -> str:
    """At least three significant digits, no exponent: 2.314 → "2.31", 23.14 → "23.1"."""
    size = abs(value)
    if size >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"


def listed(names: Sequence[str], most: int) -> str:
    """ "h.0, h.1, h.2 and 9 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
