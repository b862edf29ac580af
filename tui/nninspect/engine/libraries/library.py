"""What every library of models offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from nninspect.protocol.records import InputSpec


@dataclass(frozen=True)
class Entry:
    """One model of a library, before it is built."""

    factory: Callable[..., nn.Module]
    """Takes the user's settings; reads no weights and opens no connection."""
    inputs: tuple[InputSpec, ...] = ()
    """What the library means it for, where it says so."""
    inputs_from: str = ""
    """Where it says so, for people."""
    note: str = ""
    """What of the description was left out, for people; or ""."""
