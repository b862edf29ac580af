"""How the tree can be looked at: its order, its columns, its shares, its map and its splitter."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from textual.events import MouseDown, MouseMove, MouseUp

from nninspect.ui.measures import heaviest, measure
from nninspect.ui.sorting import arranged
from nninspect.ui.tree_filter import Finder
from nninspect.ui.tree_state import paths
from nninspect.ui.widgets.map_line import MapLine, cells


def table_of(ui: ModuleType, root: Any, flow: Any = ()) -> Any:
    from nninspect.protocol.layer_table import LayerTable

    return LayerTable(ui.inspection(root, ui.Setup(target="t"), flow=flow).layers)


def children(table: Any) -> list[str]:
    return [table.path(row) for row in table.children(0)]


def test_siblings_are_sorted_and_stay_below_their_parent(ui: ModuleType) -> None:
    table = table_of(ui, ui.small_resnet())
    found = arranged(table, "params", False, measure(table, "params"))
    assert children(found)[:3] == ["stage3", "stage2", "stage1"]
    assert sorted(paths(found)) == sorted(paths(table))
    for row, path in enumerate(paths(found)):
        assert found.row(row) == table.row(table.find(path))


def test_equal_siblings_stay_in_call_order_either_way(ui: ModuleType) -> None:
    table = table_of(ui, ui.small_resnet())
    names = [children(arranged(table, "calls", way, measure(table, "params"))) for way in (0, 1)]
    assert names[0] == children(table)
    assert names[1][0] == "aux"
    assert [name for name in names[1] if name != "aux"] == [
        name for name in names[0] if name != "aux"
    ]


def test_numbers_are_sorted_by_value_and_call_order_can_be_turned(ui: ModuleType) -> None:
    table = table_of(ui, ui.stacked_net(12))
    stack = table.find("layers")
    share = measure(table, "params")
    by_name = arranged(table, "module", False, share)
    names = [by_name.path(row) for row in by_name.children(by_name.find("layers"))]
    assert names == [table.path(row) for row in table.children(stack)]
    assert children(arranged(table, "", True, share)) == ["head", "layers", "embed"]


def test_edges_lead_to_the_same_rows_in_another_order(ui: ModuleType) -> None:
    table = table_of(ui, ui.functional_net(), ui.FLOW)
    found = arranged(table, "params", False, measure(table, "params"))
    producers = found.producers(found.find("a.add"))
    assert {found.path(row) for row in producers} == {"stem", "a.conv2"}
    assert found.producers(found.find("stem")) == (-1,)


def test_a_filter_of_sizes_finds_inputs_and_outputs(ui: ModuleType) -> None:
    finder, table = Finder(table := table_of(ui, ui.small_resnet())), table
    assert [table.path(row) for row in finder.find("64,1")] == ["pool"]
    assert [table.path(row) for row in finder.find("(1, 10)")] == ["", "head"]
    assert finder.find("64,8,8") == finder.find("64×8×8") != []
    assert finder.find("(") == []


def test_the_heaviest_come_first_and_containers_count_only_their_own(ui: ModuleType) -> None:
    table = table_of(ui, ui.small_resnet())
    found = heaviest(table, measure(table, "params"), 2)
    assert [table.path(row) for row in found] == ["stage3.0.conv2", "stage3.1.conv1"]


def test_a_time_is_a_share_of_the_roots(ui: ModuleType) -> None:
    table = table_of(ui, ui.small_resnet())
    found = measure(table, "time", {"": 2.0, "stage1": 0.5})
    assert found.share((table.find("stage1"),)) == 0.25


def test_the_parts_of_a_map_fill_its_width() -> None:
    assert cells([1.0, 1.0, 2.0], 8) == [2, 2, 4]
    assert sum(cells([1.0, 1.0, 1.0], 10)) == 10


async def test_sorting_keeps_the_cursor_the_folds_and_the_filter(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 40)) as pilot:
        await pilot.press("j", "J", "space", "s")
        await ui.settle(pilot)
        await pilot.press(*["down"] * 5, "enter")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "stage1"
        assert "▸ stage1" in ui.text_of(pilot)
        assert children(model.table)[0] == "stage3"
        assert "▾params" in ui.text_of(pilot)
        await pilot.press("S")
        assert children(ui.tree_of(pilot).table)[0] == "pool"


async def test_a_click_on_a_title_sorts(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 40)) as pilot:
        title = ui.text_of(pilot).splitlines()
        y = next(y for y, line in enumerate(title) if "params" in line and "module" in line)
        await pilot.click(offset=(title[y].index("params") + 2, y))
        await ui.settle(pilot)
        assert children(ui.tree_of(pilot).table)[0] == "stage3"


async def test_shares_can_be_of_mult_adds(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 30)) as pilot:
        await pilot.press("j", "m")
        shown = ui.text_of(pilot)
        assert "shares are of mult-adds" in shown
        (stem,) = [line for line in shown.splitlines() if "▾ stem" in line]
        table = ui.tree_of(pilot).table
        share = table.mult_adds[1] / table.mult_adds[0]
        assert f"{100 * share:.1f}%" in stem


async def test_columns_can_be_picked_and_are_kept_for_the_next_model(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("C")
        await ui.settle(pilot)
        await pilot.press("down", "space", "enter")
        await ui.settle(pilot)
        titles = ui.text_of(pilot).splitlines()[2]
        assert "input" not in titles
        assert "output" in titles
        pilot.app.screen.session.open(ui.Setup(target="other"))
        await ui.settle(pilot)
        assert ui.text_of(pilot).splitlines()[2] == titles


async def test_the_heaviest_layers_are_gone_through(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        for path in ("stage3.0.conv2", "stage3.1.conv1", "stage3.1.conv2"):
            await pilot.press("x")
            model = ui.tree_of(pilot)
            assert model.table.path(model.cursor) == path


async def test_the_map_shows_the_parts_and_a_click_goes_to_one(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 30)) as pilot:
        line = ui.text_of(pilot).splitlines()[2]
        assert "ResNetSmall: 100.0% of params" in line
        assert "stage3" in line
        await pilot.click(offset=(line.index("stage3") + 1, 2))
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "stage3"
        await pilot.press("j", "j")
        await ui.settle(pilot)
        _, here, beside, *_ = pilot.app.screen.query_one(MapLine).spans
        assert (here.text, here.style) == (" conv1 ", "active")
        assert (beside.style, beside.action) == ("even", here.action)
        await pilot.press("M")
        await ui.settle(pilot)
        assert not pilot.app.screen.query_one(MapLine).display


async def test_findings_and_frozen_layers_are_marked(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 40)) as pilot:
        assert "conv Conv2d frozen" in ui.text_of(pilot)
        pilot.app.screen.query_one("#tree").findings = {"stage1": "error", "gone": "error"}
        await ui.settle(pilot)
        assert "▾✗stage1" in ui.text_of(pilot)


async def test_the_border_of_the_detail_is_dragged(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 30)) as pilot:
        detail = pilot.app.screen.query_one("#detail")
        before = detail.region.x
        await pilot._post_mouse_events([MouseDown], "#detail", offset=(0, 3), button=1)
        await pilot._post_mouse_events([MouseMove], offset=(before - 10, 9), button=1)
        await pilot._post_mouse_events([MouseUp], offset=(before - 10, 9), button=1)
        await ui.settle(pilot)
        assert detail.region.x == before - 10
