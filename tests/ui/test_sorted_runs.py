"""Runs of equal siblings in a sorted tree: they fold across what stood between them."""

from __future__ import annotations

from types import ModuleType

from nninspect.text.layers import run_name


def mixed(ui: ModuleType, pairs: int = 4) -> object:
    """Blocks of two kinds in turn, which have the same number of parameters."""
    kinds = {"Attention": 1, "Mixer": 2}
    blocks = [
        ui.Node(str(2 * n + place), kind, 64, ui.shape(1, 8), ui.shape(1, 8), signature=signature)
        for n in range(pairs)
        for place, (kind, signature) in enumerate(kinds.items())
    ]
    return ui.Node("", "Net", 0, ui.shape(1, 8), ui.shape(1, 8), blocks)


async def test_equals_apart_from_each_other_fold_when_sorted_and_unfold_in_call_order(
    ui: ModuleType,
) -> None:
    async with ui.running(ui.FakeClient(mixed(ui))) as pilot:
        assert "×4" not in ui.text_of(pilot)
        pilot.app.screen.query_one("#layers").sort("params")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "▸ 0,2…6 ×4 Attention" in shown
        assert "▸ 1,3…7 ×4 Mixer" in shown
        await pilot.press("j", "space")
        assert "· 4 Attention" in ui.text_of(pilot)
        pilot.app.screen.query_one("#layers").sort("")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert [model.table.path(row) for row in model.rows] == ["", *map(str, range(8))]


async def test_the_cursor_stays_on_its_row_or_on_the_run_that_hides_it(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(mixed(ui))) as pilot:
        await pilot.press(*"jjjj")
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "3"
        pilot.app.screen.query_one("#layers").sort("params")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert "3" in [model.table.path(row) for row in model.stands_for(model.cursor)]


def test_a_run_with_gaps_is_told_from_one_without() -> None:
    assert run_name(["0", "1", "2"]) == "0…2 ×3"
    assert run_name(["2", "1", "0"]) == "2…0 ×3"
    assert run_name(["0", "2", "5"]) == "0,2…5 ×3"
    assert run_name(["a", "b", "d"]) == "a…d ×3"
