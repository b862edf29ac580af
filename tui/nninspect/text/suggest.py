"""What was probably meant by a misspelt word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CUTOFF = 0.6
"""How alike two words must be, from 0 to 1, for one to be taken for the other."""


def nearest(word: str, known: Iterable[str], cutoff: float = CUTOFF) -> str:
    """The nearest known word, whatever its case; "" where none is near."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=cutoff)
    return by_lower[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "Did you mean …?" with the nearest known word; "" where none is near."""
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else ""
