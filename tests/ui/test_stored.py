"""A file of weights in the app: its tensors in the Weights tab, and why the others are empty."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from nninspect.protocol.records import Setup
from nninspect.ui.found_models import found_models


async def test_a_file_of_weights_opens_the_weights_tab(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, "model.safetensors", size=(120, 30)) as pilot:
        await ui.settle(pilot)
        assert ("checkpoint", "model.safetensors") in client.asked
        shown = ui.text_of(pilot)
        assert "model.safetensors · safetensors · bfloat16, float32 · 18 params · 40 B" in shown
        assert "2 tensors, 40 B" in shown
        assert "head.weight" in shown
        assert "the Log says what else" in shown
        await pilot.press("5")
        await ui.settle(pilot)
        assert "named, never called: os.system" in ui.text_of(pilot)


async def test_the_other_tabs_say_why_they_are_empty_and_how_to_name_the_model(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client, "model.safetensors", size=(120, 30)) as pilot:
        for tab in "123":
            await pilot.press(tab)
            await ui.settle(pilot)
            assert "is a file of weights: there is no model in it" in ui.text_of(pilot)
            assert "path/to/net.py:Net" in ui.text_of(pilot)
        asked = len(client.asked)
        for key in "bcdv":
            await pilot.press(key)
            await ui.settle(pilot)
            assert "there is no model in a file of weights" in ui.text_of(pilot)
        assert len(client.asked) == asked


async def test_a_model_takes_the_place_of_a_file_of_weights_and_the_other_way_round(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client, "model.pt", size=(120, 30)) as pilot:
        screen = pilot.app.screen
        screen.session.open(Setup(target="net.py:Net"))
        await ui.settle(pilot)
        await pilot.press("1")
        await ui.settle(pilot)
        assert "file of weights" not in ui.text_of(pilot)
        assert "stem" in ui.text_of(pilot)
        screen.session.open(Setup(target="model.pt"))
        await ui.settle(pilot)
        assert "head.bias" in ui.text_of(pilot)
        await pilot.press("r", "1")
        await ui.settle(pilot)
        assert "there is no model in it" in ui.text_of(pilot)
        assert client.asked.count(("checkpoint", "model.pt")) == 3


async def test_a_model_is_compared_with_it(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, None, size=(120, 30)) as pilot:
        await pilot.press("escape")
        session = pilot.app.screen.session
        session.model = Setup(target="net.py:Net")
        session.open(Setup(target="model.pt"))
        await ui.settle(pilot)
        assert "does not fit net.py:Net" in ui.text_of(pilot)
        await pilot.press("5")
        await ui.settle(pilot)
        assert "missing: " in ui.text_of(pilot)


def test_the_picker_has_the_files_of_weights_but_not_each_shard(tmp_path: Path) -> None:
    for name in (
        "a.pt",
        "m-1-of-2.safetensors",
        "m-2-of-2.safetensors",
        "m.safetensors.index.json",
    ):
        (tmp_path / name).write_bytes(b"")
    assert [found.target for found in found_models(tmp_path)] == [
        "a.pt",
        "m.safetensors.index.json",
    ]
