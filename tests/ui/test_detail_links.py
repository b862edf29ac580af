"""The detail as a page with links: where they lead by key and by mouse, and the way back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from msgspec.structs import replace

from nninspect.protocol.layers import CallShapes, Mark
from nninspect.text.layers import facts
from nninspect.ui.screens.rule import RuleScreen
from nninspect.ui.widgets.detail import Detail

WIDE = (120, 40)


def flowing(ui: ModuleType) -> Any:
    client = ui.FakeClient(ui.functional_net())
    client.flow = ui.FLOW
    return client


def path_of(model: Any) -> str:
    return str(model.table.path(model.cursor))


def link(pilot: Any) -> str:
    """What the cursor of the detail is on."""
    detail = pilot.app.screen.query_one(Detail)
    return detail.current.action if detail.current else ""


async def test_links_are_followed_by_key_and_backspace_comes_back(ui: ModuleType) -> None:
    async with ui.running(flowing(ui), size=WIDE) as pilot:
        tree = ui.tree_of(pilot)
        tree.reveal(tree.table.find("a.add"))
        await pilot.press("up", "down", "tab")
        assert link(pilot) == f"jump({tree.table.find('stem')})"
        await pilot.press("down", "enter")
        await ui.settle(pilot)
        assert path_of(tree) == "a.conv2"
        assert isinstance(pilot.app.focused, Detail)
        await pilot.press("right_square_bracket")
        assert path_of(tree) == "a.add"
        await pilot.press("backspace", "backspace")
        await ui.settle(pilot)
        assert path_of(tree) == "a.add"
        await pilot.press("escape")
        assert pilot.app.focused is pilot.app.screen.query_one("#tree")


async def test_tab_goes_through_the_links_and_on_to_the_tree(ui: ModuleType) -> None:
    async with ui.running(flowing(ui), size=WIDE) as pilot:
        await pilot.press("j", "tab")
        detail = pilot.app.screen.query_one(Detail)
        assert detail.has_focus
        found = []
        while detail.has_focus:
            found.append(link(pilot))
            await pilot.press("tab")
        assert len(found) == len(set(found)) == len(detail.links) > 2
        assert pilot.app.focused is pilot.app.screen.query_one("#tree")
        await pilot.press("shift+tab")
        assert detail.has_focus


async def test_a_click_on_a_link_leaves_the_focus_and_one_beside_it_takes_it(
    ui: ModuleType,
) -> None:
    async with ui.running(flowing(ui), size=WIDE) as pilot:
        await pilot.press("j")
        lines = ui.text_of(pilot).splitlines()
        y = next(y for y, line in enumerate(lines) if "to       ] a.conv1" in line)
        await pilot.click(offset=(lines[y].index("a.conv1") + 2, y))
        await ui.settle(pilot)
        assert path_of(ui.tree_of(pilot)) == "a.conv1"
        assert pilot.app.focused is pilot.app.screen.query_one("#tree")
        await pilot.click("#detail", offset=(4, 1))
        assert pilot.app.screen.query_one(Detail).has_focus


async def test_a_long_detail_scrolls_by_key_and_closing_it_gives_the_focus_back(
    ui: ModuleType,
) -> None:
    async with ui.running(flowing(ui)) as pilot:
        await pilot.press("enter", "tab")
        detail = pilot.app.screen.query_one(Detail)
        assert detail.has_focus
        await pilot.press("G")
        assert detail.scroll_offset.y == detail.max_scroll_y > 0
        await pilot.press("g", "pagedown")
        assert detail.scroll_offset.y > 0
        pilot.app.screen.query_one("#layers").toggle_detail()
        await ui.settle(pilot)
        assert pilot.app.focused is pilot.app.screen.query_one("#tree")


async def test_shared_places_and_tied_partners_are_links_both_ways(ui: ModuleType) -> None:
    root = ui.small_resnet()
    head, aux, pool = root.children[-2], root.children[-1], root.children[-3]
    head.kin, pool.kin, pool.marks = "stem.conv", "stem.norm", Mark.SHARED
    assert aux.name == "aux"
    async with ui.running(ui.FakeClient(root), size=(140, 40)) as pilot:
        tree = ui.tree_of(pilot)
        for path, said in (
            ("head", "tied to    stem.conv"),
            ("stem.conv", "tied to    head"),
            ("pool", "also at    stem.norm"),
            ("stem.norm", "also at    pool"),
        ):
            pilot.app.screen.action_go(path)
            await ui.settle(pilot)
            assert said in ui.text_of(pilot), path
        await pilot.press("tab", "enter")
        await ui.settle(pilot)
        assert path_of(tree) == "pool"


async def test_a_tied_tensor_leads_to_the_other_layer(ui: ModuleType) -> None:
    client = ui.FakeClient()
    client.tensors = (replace(ui.stats("stem.conv.weight", (16, 3)), also=("head.weight",)),)
    async with ui.running(client, size=(140, 50)) as pilot:
        pilot.app.screen.action_go("stem.conv")
        await ui.settle(pilot)
        assert "also head.weight" in ui.text_of(pilot)
        await pilot.press("tab", "G", "enter")
        await ui.settle(pilot)
        assert path_of(ui.tree_of(pilot)) == "head"


async def test_a_finding_leads_to_what_its_rule_finds_and_to_a_network_that_shows_it(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=WIDE) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("enter", "tab", "G", "enter")
        await ui.settle(pilot)
        assert isinstance(pilot.app.screen, RuleScreen)
        shown = ui.text_of(pilot)
        assert "what it flags" in shown
        assert "softmax" in shown
        await pilot.press("escape", "3", "w")
        await ui.settle(pilot)
        assert isinstance(pilot.app.screen, RuleScreen)
        await pilot.press("G", "enter")
        await ui.settle(pilot)
        opened = [setup.target for what, setup in client.asked if what == "inspect"]
        assert opened[-1].startswith("broken-")


async def test_the_finding_beside_the_list_leads_to_the_layers_it_is_about(
    ui: ModuleType,
) -> None:
    async with ui.running(ui.FakeClient(), size=WIDE) as pilot:
        await pilot.press("c")
        await ui.settle(pilot)
        await pilot.press("j", "tab", "tab", "tab", "enter")
        await ui.settle(pilot)
        assert path_of(ui.tree_of(pilot)) == "stage1"
        assert pilot.app.screen.tab == "layers"


def test_calls_beyond_those_that_are_kept_are_counted(ui: ModuleType) -> None:
    row = next(ui.norm("norm", 3, 4).rows())
    calls = tuple(CallShapes(ui.shape(1, n), ui.shape(1, n), 2) for n in (1, 2))
    told = dict(facts(replace(row, calls=7, different_calls=calls), 10))["each call"]
    assert told.splitlines() == ["(1, 1) → (1, 1) ×2", "(1, 2) → (1, 2) ×2", "and 3 others"]
