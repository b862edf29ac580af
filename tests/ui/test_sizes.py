"""Every tab and every dialog in terminals of every size, and while these change."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from textual.events import Key
from textual.screen import Screen

from nninspect.ui.screens.once import Once
from nninspect.ui.widgets.detail import Detail

SIZES = ((60, 18), (80, 24), (120, 40), (200, 60), (300, 24))


@dataclass(frozen=True)
class Scene:
    """What is pressed from the Layers tab, what must be in view then, and what leads back."""

    keys: tuple[str, ...]
    seen: tuple[str, ...]
    back: tuple[str, ...] = ("escape",)

    @property
    def is_dialog(self) -> bool:
        return "escape" in self.back and self.keys[0] not in ("tab", "slash")


SCENES = (
    Scene(("1",), ("module", "params", "▾ ResNetSmall", "1 Layers", "? help"), ()),
    Scene(("tab", "g"), ("module", "(the model)")),
    Scene(("slash", *"head"), ("1 row", "head Linear")),
    Scene(("b",), ("cpu", "p50", "32", "untrusted"), ("1",)),
    Scene(("b", "v"), ("cpu", "p50"), ("1",)),
    Scene(("c",), ("NN301", "softmax-before-loss", "Doctor"), ("1",)),
    Scene(("3", "w"), ("NN301", "what it flags", "esc closes"), ("escape", "1")),
    Scene(("3", "L"), ("loss", "cross_entropy", "enter · esc"), ("escape", "1")),
    Scene(("3", "T"), ("task", "regression"), ("escape", "1")),
    Scene(("4",), ("tensor", "head.weight", "NaN"), ("1",)),
    Scene(("5",), ("worker ready",), ("1",)),
    Scene(("s",), ("sort by", "call order", "name")),
    Scene(("C",), ("columns", "input", "output")),
    Scene(("i",), ("inputs", "1, 3, 32, 32", "float32", "train mode", "enter runs the forward")),
    Scene(("B",), ("bench", "devices", "modes", "quick", "enter starts")),
    Scene(("question_mark",), ("keys", "In the tree", "esc closes")),
    Scene(("o",), ("open", "type to find", "resnet-small")),
    Scene(("X",), ("broken",)),
    Scene(("ctrl+p",), ("Search for commands",)),
)


async def press(ui: ModuleType, pilot: Any, keys: tuple[str, ...]) -> None:
    """All at once: what is typed ahead goes to what the keys before it open."""
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))
    await ui.settle(pilot)


async def with_detail(ui: ModuleType, pilot: Any) -> None:
    if not pilot.app.screen.query_one(Detail).display:
        await press(ui, pilot, ("enter",))


def missing(ui: ModuleType, pilot: Any, scene: Scene) -> list[str]:
    shown = ui.text_of(pilot)
    return [text for text in scene.seen if text not in shown]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_tab_and_dialog_shows_what_it_is_for(
    ui: ModuleType, size: tuple[int, int]
) -> None:
    async with ui.running(ui.FakeClient(), size=size) as pilot:
        await with_detail(ui, pilot)
        wrong = {}
        for scene in SCENES:
            await press(ui, pilot, scene.keys)
            if found := missing(ui, pilot, scene):
                wrong[scene.keys] = found, ui.text_of(pilot)
            await press(ui, pilot, scene.back)
            assert len(pilot.app.screen_stack) == 1, scene.keys
        for keys, (found, shown) in wrong.items():
            print(keys, found, shown, sep="\n")
        assert not wrong


async def test_resizes_while_anything_is_open_end_as_if_it_had_opened_so(
    ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 24)) as pilot:
        await with_detail(ui, pilot)
        for scene in SCENES:
            await press(ui, pilot, ("g", *scene.keys))
            before = lines_of(ui, pilot)
            for size in ((160, 40), (20, 5), (80, 24)):
                await pilot.resize_terminal(*size)
            await ui.settle(pilot)
            assert lines_of(ui, pilot) == before, scene.keys
            assert await _layouts(pilot, monkeypatch) == 0, scene.keys
            await press(ui, pilot, scene.back)


def lines_of(ui: ModuleType, pilot: Any) -> list[str]:
    """But for the keys: those of a detail that found no room went to the tree."""
    return ui.text_of(pilot).splitlines()[:-1]  # type: ignore[no-any-return]


async def _layouts(pilot: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the screen lays itself out while nobody does anything."""
    done: list[object] = []
    original = Screen._refresh_layout
    with monkeypatch.context() as patch:
        patch.setattr(
            Screen, "_refresh_layout", lambda *a, **k: (done.append(a), original(*a, **k))[1]
        )
        await pilot.pause(0.1)
    return len(done)


async def test_where_there_is_hardly_any_room_the_rows_have_it_all(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(20, 5)) as pilot:
        lines = ui.text_of(pilot).splitlines()
        assert "module" in lines[0]
        assert "▾ ResNetSmall" in lines[1]
        assert not any("Layers" in line or "help" in line for line in lines)


@pytest.mark.parametrize("key", ["s", "C", "o", "ctrl+p"])
async def test_lists_without_any_room_are_not_paged_through(ui: ModuleType, key: str) -> None:
    async with ui.running(ui.FakeClient(), size=(10, 3)) as pilot:
        await press(ui, pilot, (key, "pagedown", "pageup"))
        await press(ui, pilot, ("pagedown", "end", "pageup"))
        assert len(pilot.app.screen_stack) == 2
        await press(ui, pilot, ("escape",))
        assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("keys", [scene.keys for scene in SCENES if scene.is_dialog])
async def test_what_is_dismissed_twice_at_once_goes_once(
    ui: ModuleType, keys: tuple[str, ...]
) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 40)) as pilot:
        await press(ui, pilot, ("c",))  # a rule's page needs a finding
        await press(ui, pilot, ("1",))
        await press(ui, pilot, keys)
        screen = pilot.app.screen
        assert isinstance(screen, Once)
        screen.dismiss()
        screen.dismiss()
        await ui.settle(pilot)
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.return_code is None


async def test_the_themes_are_dismissed_once_too(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        pilot.app.action_change_theme()
        await ui.settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Once)
        screen.dismiss()
        screen.dismiss()
        await ui.settle(pilot)
        assert len(pilot.app.screen_stack) == 1
