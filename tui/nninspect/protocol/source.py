"""The source of a module's class."""

from __future__ import annotations

from nninspect.protocol.records import Record

MOST_LINES = 200
"""A longer class is mostly documentation: its forward alone is shown."""


class Source(Record, frozen=True):
    """The text of a class, or of its forward alone, as it stands in its file."""

    owner: str
    """The class it is the source of, as "torch.nn.modules.conv.Conv2d"."""
    file: str = ""
    first_line: int = 1
    text: str = ""
    is_forward_only: bool = False
    unknown: str = ""
    """Why there is no text, a sentence."""
