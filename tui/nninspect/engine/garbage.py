"""When Python is not to look for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """For work that makes much and keeps it: to look through that again and again takes a third
    of the time, and finds nothing. And for timed regions, where it would be timed as the model's.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
