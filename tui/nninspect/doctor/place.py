"""Where something is: a row of the layer tree, and a line of the user's source."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A path of the layer tree, and a line; "" and 0 for what is not known."""

    path: str = ""
    file: str = ""
    line: int = 0


NOWHERE = Place()
