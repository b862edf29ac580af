"""A display without colours, for who sets NO_COLOR: weight, underline and reverse are kept."""

from __future__ import annotations

import re
from functools import lru_cache

_SGR = re.compile(r"\x1b\[([\d;]+)m")
_COLOUR = re.compile(r"(?:^|;)(?:[34]8;(?:5;\d+|2;\d+;\d+;\d+)|(?:[34]|9|10)[0-7]|[34]9)(?=;|$)")


def without_colours(text: str) -> str:
    """What is written to a terminal, with every colour taken out of its styles."""
    return _SGR.sub(lambda found: _style(found[1]), text)


@lru_cache(4_096)
def _style(parameters: str) -> str:
    kept = _COLOUR.sub("", parameters).lstrip(";")
    return f"\x1b[{kept}m" if kept else ""
