"""Keys sent at once, as a paste into the terminal or a slow link does."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from nninspect.ui import type_ahead
from nninspect.ui.screens.choose import ChooseOne
from nninspect.ui.screens.inputs import Inputs
from nninspect.ui.screens.picker import Picker
from nninspect.ui.widgets.findable import Findable

NAMES = {"/": "slash", ".": "full_stop"}


async def type_at_once(ui: ModuleType, pilot: Pilot[None], *keys: str) -> None:
    """All of the keys are there before the first is handled."""
    for key in keys:
        character = key if len(key) == 1 else None
        pilot.app.post_message(events.Key(NAMES.get(key, key), character))
    await ui.settle(pilot)


def requests(client: Any) -> list[str]:
    """What was asked of the worker, but for what the detail wants."""
    return [kind for kind, _ in client.asked if kind not in ("weights", "source")]


async def test_what_follows_the_slash_goes_into_the_filter(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        asked = requests(client)
        await type_at_once(ui, pilot, "/", *"stem.bdrc")
        assert pilot.app.screen.query_one("#filter", Input).value == "stem.bdrc"
        assert requests(client) == asked


async def test_a_filter_typed_kept_and_left_at_once_leaves_the_keys_to_the_tree(
    ui: ModuleType,
) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await type_at_once(ui, pilot, "/", *"conv", "enter", "n", "G")
        assert not pilot.app.screen.query("#filter")
        assert ui.tree_of(pilot).query == "conv"


async def test_a_filter_emptied_and_typed_anew_at_once_is_the_new_one(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await type_at_once(ui, pilot, "/", *"needl")
        await type_at_once(ui, pilot, *["backspace"] * 5, *"stage1.0")
        assert pilot.app.screen.query_one("#filter", Input).value == "stage1.0"
        assert ui.tree_of(pilot).query == "stage1.0"


async def test_what_follows_open_goes_into_the_picker(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        asked = requests(client)
        await type_at_once(ui, pilot, "o", *"rbcd")
        assert isinstance(pilot.app.screen, Picker)
        assert pilot.app.screen.query_one(Input).value == "rbcd"
        assert requests(client) == asked


async def test_what_follows_inputs_goes_into_its_first_field(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        asked = requests(client)
        await type_at_once(ui, pilot, "i", "end", *"rbcd")
        assert isinstance(pilot.app.screen, Inputs)
        assert pilot.app.screen.query(Input).first().value.endswith("rbcd")
        assert requests(client) == asked


async def test_what_follows_sort_moves_in_the_dialog_and_runs_nothing_behind(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        asked, cursor = requests(client), ui.tree_of(pilot).cursor
        await type_at_once(ui, pilot, "s", "j", "j")
        assert isinstance(pilot.app.screen, ChooseOne)
        shown = pilot.app.screen.query_one(Findable)
        assert shown.highlighted == 2
        await type_at_once(ui, pilot, "b", "r", "d")
        assert shown.typed == "brd"
        assert (requests(client), ui.tree_of(pilot).cursor) == (asked, cursor)


async def test_keys_go_on_when_the_widget_that_had_one_is_gone(
    ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type_ahead, "PATIENCE_S", 0.01)
    monkeypatch.setattr(type_ahead.Follower, "bubble", False)  # it never arrives
    async with ui.running(ui.FakeClient()) as pilot:
        await type_at_once(ui, pilot, "j", "j")
        await pilot.pause(0.1)
        assert ui.tree_of(pilot).cursor == 2
