"""The columns that a width gets."""

from __future__ import annotations

from types import ModuleType

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


async def test_a_model_of_one_layer_is_shown(ui: ModuleType) -> None:
    same = ui.shape(1, 4)
    async with ui.running(ui.FakeClient(ui.Node("", "Linear", 20, same, same))) as pilot:
        assert "· Linear" in ui.text_of(pilot)
