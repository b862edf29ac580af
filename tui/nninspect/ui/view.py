"""How a layer tree is looked at: its order, its columns and what the shares are of."""

from __future__ import annotations

from dataclasses import dataclass

from nninspect.ui.measures import PARAMETERS
from nninspect.ui.sorting import CALL_ORDER


@dataclass(frozen=True)
class View:
    """Kept for as long as the application runs, whatever is opened."""

    sort: str = CALL_ORDER
    backwards: bool = False
    measure: str = PARAMETERS
    picked: frozenset[str] | None = None
    """The columns that are wanted; None takes those that fit."""
    everything: bool = False
    """Every column at full width, to be panned through, whatever the width."""
