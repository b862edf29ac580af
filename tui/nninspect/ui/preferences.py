"""What a person has chosen of how the app looks and behaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preferences:
    """Everything has a default; the command line has the last word."""

    stock_display: bool = False
    """Draw as Textual does, without sending only what changed."""
    watch: bool = False
    """Read the user's files again as soon as one is saved."""


DEFAULTS = Preferences()
