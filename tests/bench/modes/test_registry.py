"""Modes by their names."""

from __future__ import annotations

import pytest

from nninspect.bench.modes.registry import MODES, mode_named
from nninspect.errors import BadInput


@pytest.mark.parametrize("name", [*MODES, "threads=3", "autocast=float16"])
def test_a_mode_is_found_by_the_name_that_it_has(name: str) -> None:
    assert mode_named(name).name == name


@pytest.mark.parametrize("name", ["", "fast", "threads", "threads=", "threads=0", "threads=x"])
def test_any_other_name_is_refused_with_what_would_do(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        mode_named(name)
    assert "threads=" in refused.value.hint
