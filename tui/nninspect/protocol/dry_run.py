"""How a forward was run where not with real values, and what was assumed for it."""

from __future__ import annotations

import enum

import msgspec


class Rung(enum.StrEnum):
    """The rungs of the ladder, the cheapest first."""

    META = "meta"
    """Shapes alone, without any value."""
    FAKE = "fake"
    """Shapes alone, over the real parameters and their devices."""
    REAL = "real"
    """The real forward, as neither of the others could run it."""


class Guess(msgspec.Struct, frozen=True):
    """An op whose result hangs on values that were not there, and what was taken for it."""

    op: str
    assumed: str
    """As "all 12 elements"."""
    path: str
    """Of the module that it was called in."""
    source: str
    """The line that called it, as "net.py:18"."""
    times: int = 1


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """The rung that ran, why those before it did not, and every guess."""

    rung: Rung = Rung.META
    left: tuple[str, ...] = ()
    """Why each rung before was left, a sentence each."""
    guesses: tuple[Guess, ...] = ()
