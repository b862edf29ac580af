"""The columns that a width gets."""

from __future__ import annotations

import pytest

from nninspect.ui.columns import GAP, TITLES, choose

WANTED = {
    **dict.fromkeys(TITLES, 6),
    "module": 9,
    "label": 15,
    "inputs": 14,
    "outputs": 14,
}


@pytest.mark.parametrize("width", range(30, 200))
def test_the_columns_never_are_wider_than_the_room(width: int) -> None:
    chosen = choose(WANTED, width)
    assert sum(column.width for column in chosen) + GAP * (len(chosen) - 1) <= width
