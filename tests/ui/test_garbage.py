"""What the collector is spared, and what it is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from nninspect.ui import garbage


class Knot:
    """It refers to itself, so that only the collector ends it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("unfrozen")
def test_what_is_kept_is_collected_no_more_and_garbage_is_not_kept() -> None:
    garbage.wait_with_collections()
    kept, left = Knot(), weakref.ref(Knot())
    assert left() is not None
    garbage.resume_collections()
    assert left() is None
    assert gc.isenabled()
    assert not any(each is kept for each in gc.get_objects())
