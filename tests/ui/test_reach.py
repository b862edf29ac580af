"""What can be done is reached by key, by the palette, and by the mouse where it has a place."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from nninspect.ui.app import NninspectApp
from nninspect.ui.commands import commands
from nninspect.ui.keys import actions
from nninspect.ui.preferences import Preferences
from nninspect.ui.screens.inputs import Inputs
from nninspect.ui.screens.picker import Picker
from nninspect.ui.widgets.detail import Detail

RARE = {
    "stop what is running",  # only while something does
    "cancel, or quit",  # ctrl+c, which is the screen's for a selected text first
    "open or fold the runs of equals",  # only where there are some
    *("keep", "clear", "to the tree"),  # of the filter's field
}


async def test_every_action_of_the_tabs_is_in_the_palette_of_one(ui: ModuleType) -> None:
    client = ui.FakeClient(ui.functional_net())
    client.flow = ui.FLOW
    async with ui.running(client, size=(120, 40)) as pilot:
        offered: set[str] = set()
        for keys in (("j",), ("tab",), ("escape", "b"), ("tab",), ("c",), ("tab",), ("4",), ("5",)):
            for key in keys:
                await pilot.press(key)
            await ui.settle(pilot)
            found = commands(pilot.app, pilot.app.screen)
            offered |= {command.title for command in found}
        wanted = {each.does for each in actions().values() if not each.is_dialog}
        assert wanted - offered <= RARE


def place_of(ui: ModuleType, pilot: Any, text: str, line: int | None = None) -> tuple[int, int]:
    lines = ui.text_of(pilot).splitlines()
    y = next(y for y, row in enumerate(lines) if text in row) if line is None else line
    return lines[y].index(text) + 1, y


async def test_a_click_on_a_part_of_the_header_changes_it(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(140, 30)) as pilot:
        for part, field, value in (
            ("float32", "dtype", "float16"),
            ("eval", "training", True),
            ("cuda:0", "device", "cuda:0"),
        ):
            await pilot.click(offset=place_of(ui, pilot, part, 0))
            await ui.settle(pilot)
            asked = [setup for what, setup in client.asked if what == "inspect"]
            assert getattr(asked[-1], field) == value
        for part, screen in (("input (", Inputs), ("resnet-small", Picker)):
            await pilot.click(offset=place_of(ui, pilot, part, 0))
            await ui.settle(pilot)
            assert isinstance(pilot.app.screen, screen)
            await pilot.press("escape")
            await ui.settle(pilot)


async def test_a_key_that_is_told_of_can_be_clicked(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 30)) as pilot:
        await pilot.press("2")
        await pilot.click(offset=place_of(ui, pilot, "times the model on"))
        await ui.settle(pilot)
        assert "bench" in [what for what, _ in client.asked]
        client.die()
        await pilot.press("1")
        await ui.settle(pilot)
        await pilot.click(offset=place_of(ui, pilot, "restart the worker"))
        await ui.settle(pilot)
        assert "restart" in [what for what, _ in client.asked]


async def test_the_wheel_scrolls_the_detail_and_leaves_the_cursor(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("enter")
        await ui.settle(pilot)
        await pilot._post_mouse_events([ui.MouseScrollDown], "#detail", offset=(5, 3), button=0)
        await ui.settle(pilot)
        assert pilot.app.screen.query_one(Detail).scroll_offset.y > 0
        assert ui.tree_of(pilot).cursor == 0


async def test_keys_are_named_where_only_ascii_is_drawn(ui: ModuleType) -> None:
    app = NninspectApp(ui.FakeClient(), ui.Setup(target="t"), Preferences(ascii=True))
    async with app.run_test(size=(120, 30)) as pilot:
        await ui.settle(pilot)
        assert "enter detail" in ui.text_of(pilot)
