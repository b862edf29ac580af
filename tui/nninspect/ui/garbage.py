"""What Python's garbage collector has to look at: not the whole app at every collection."""

from __future__ import annotations

import gc


def keep_what_is_here() -> None:
    """Most of what there is now stays: it is left out of every later collection. What is garbage
    already goes first, as it would stay for good, too."""
    gc.collect()
    gc.freeze()


def wait_with_collections() -> None:
    """None until `resume_collections`; what was imported so far is in none after that, either."""
    gc.freeze()
    gc.disable()


def resume_collections() -> None:
    keep_what_is_here()
    gc.enable()
