"""The source text of a module's class, as Python finds it."""

from __future__ import annotations

import inspect
import linecache

from torch import nn

from nninspect.protocol.source import MOST_LINES, Source

NOT_FOUND = "Python can't find its source: it was made while running, or is not written in Python"


def class_source(module: nn.Module) -> Source:
    """The class where it is short, else its forward alone."""
    kind = type(module)
    owner = f"{kind.__module__}.{kind.__qualname__}"
    try:
        linecache.checkcache()
        file = inspect.getsourcefile(kind) or ""
        lines, first = inspect.getsourcelines(kind)
        is_long = len(lines) > MOST_LINES
        if is_long:
            lines, first = inspect.getsourcelines(kind.forward)
            file = inspect.getsourcefile(kind.forward) or file
    except (OSError, TypeError, IndexError):
        return Source(owner=owner, unknown=NOT_FOUND)
    text = "".join(lines)
    return Source(owner=owner, file=file, first_line=first, text=text, is_forward_only=is_long)
