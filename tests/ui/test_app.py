"""The application: sizes, picker, help, palette, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from types import ModuleType

import pytest

from nninspect.errors import BadTarget
from nninspect.plugin import Collection, InputSpec, ModelCard
from nninspect.ui import choices
from nninspect.ui.app import NninspectApp, serve
from nninspect.ui.choices import card_choices, matching
from nninspect.ui.log_book import MOST_CHARS, MOST_LINES, LogBook

CARDS = (
    ModelCard(
        name="mlp-broken",
        title="Layers in a [list]",
        description="The optimizer never sees them.",
        factory="m:F",
        inputs=(InputSpec((1, 784)),),
        twin_of="mlp",
        mistake="A Python list does not register its modules.",
    ),
    ModelCard(
        name="mlp",
        title="Perceptron",
        description="Two linear layers.",
        factory="m:F",
        inputs=(InputSpec((1, 784)),),
        concepts=("ModuleList",),
        task="multi-class classification",
        loss="cross_entropy",
    ),
    ModelCard(
        name="resnet-small",
        title="Residual network",
        description="Skips.",
        factory="m:F",
        inputs=(InputSpec((1, 3, 32, 32)),),
    ),
)


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Collection("bundled", CARDS), Collection("zoo", (), "ImportError: no zoo"))
    monkeypatch.setattr(choices, "collections", lambda: found)


def targets(query: str) -> list[str]:
    return [choice.target for choice in matching(card_choices(), query)]


def test_the_picker_lists_broken_twins_last_and_finds_by_name_words_and_letters() -> None:
    assert targets("") == ["mlp", "resnet-small", "mlp-broken", ""]
    assert targets("mlp") == ["mlp", "mlp-broken", "mlp"]
    assert targets("modulelist") == ["mlp", "modulelist"]
    assert targets("rsml") == ["resnet-small", "rsml"]


def test_what_looks_like_a_target_comes_first() -> None:
    assert targets("net.py:Net")[0] == "net.py:Net"


async def test_without_a_target_the_picker_opens_and_enter_shows_a_model(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, None) as pilot:
        shown = ui.text_of(pilot)
        assert "✗ Layers in a [list]" in shown
        assert "Two linear layers." in shown
        await pilot.press("down")
        await pilot.pause()
        assert "Skips." in ui.text_of(pilot)
        await pilot.press("enter")
        await ui.settle(pilot)
        assert client.asked[-1][1].target == "resnet-small"
        assert "▾ ResNetSmall" in ui.text_of(pilot)


async def test_a_typed_target_opens(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, None) as pilot:
        await pilot.press(*"net.py:Net", "enter")
        await ui.settle(pilot)
        assert client.asked[-1][1].target == "net.py:Net"


async def test_a_click_opens(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, None) as pilot:
        await pilot.click("#choices", offset=(3, 2))
        await ui.settle(pilot)
        assert client.asked[-1][1].target == "mlp-broken"


async def test_escape_leaves_the_picker_and_o_opens_it(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), None) as pilot:
        await pilot.press("escape")
        await pilot.pause()
        assert "o opens a model" in ui.text_of(pilot)
        await pilot.press("o")
        await pilot.pause()
        assert "Perceptron" in ui.text_of(pilot)


async def test_keys_of_the_app_are_letters_in_the_picker(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), None) as pilot:
        await pilot.press("q", "d")
        await pilot.pause()
        assert "qd  " in ui.text_of(pilot)
        assert "open what was typed" in ui.text_of(pilot)


async def test_a_bad_target_offers_what_would_have_worked(ui: ModuleType) -> None:
    client = ui.FakeClient()
    client.errors = [BadTarget("net.py has 2 modules", "Say which", choices=("net.py:A", "B"))]
    async with ui.running(client, "net.py") as pilot:
        assert "net.py has 2 modules" in ui.text_of(pilot)
        await pilot.press("enter")
        await ui.settle(pilot)
        assert client.asked[-1][1].target == "net.py:A"


SIZES = [(20, 5), (40, 10), (60, 18), (250, 80)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_the_table(ui: ModuleType, size: tuple[int, int]) -> None:
    client = ui.FakeClient(ui.failing_resnet())
    client.failure = ui.FORWARD_FAILED
    async with ui.running(client, size=size) as pilot:
        assert "module" in ui.text_of(pilot)
        await pilot.press("enter", "2", "3", "1", "escape", "g")
        await ui.settle(pilot)
        assert "ResNet" in ui.text_of(pilot)
        await pilot.press("o")
        await pilot.pause()
        await pilot.press("escape", "question_mark")
        await pilot.pause()


async def test_a_resize_chooses_columns_anew(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        assert "mult-adds" not in ui.text_of(pilot).splitlines()[2]
        await pilot.resize_terminal(160, 40)
        await ui.settle(pilot)
        above, titles = ui.text_of(pilot).splitlines()[2:4]
        assert "100.0% of params" in above
        assert "mult-adds" in titles
        await pilot.resize_terminal(60, 18)
        await ui.settle(pilot)
        assert "input" not in ui.text_of(pilot).splitlines()[2]


async def test_tabs_open_by_key_and_by_click(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press("2")
        assert pilot.app.screen.tab == "bench"
        assert "b times the model on every device" in ui.text_of(pilot)
        await pilot.click("TabLine", offset=(28, 0))
        assert pilot.app.screen.tab == "doctor"
        await pilot.click("TabLine", offset=(3, 0))
        assert pilot.app.screen.tab == "layers"
        await pilot.press("j")
        assert ui.tree_of(pilot).cursor == 1


async def test_the_key_line_can_be_clicked(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        place = ui.text_of(pilot).splitlines()[-1].index("device")
        await pilot.click("KeyLine", offset=(place, 0))
        await ui.settle(pilot)
        assert "cuda:0 ▸ cpu" in ui.text_of(pilot)


async def test_help_lists_every_action_with_its_keys(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 120)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        shown = ui.text_of(pilot)
        for does in ("fold or open everything", "next match", "restart the worker", "quit"):
            assert does in shown
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_every_binding_of_ours_has_an_id(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        tree = pilot.app.screen.query_one("#tree")
        for node in (pilot.app, pilot.app.screen, tree):
            assert all(binding.id for binding in type(node).BINDINGS)


async def test_the_palette_offers_our_actions(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        offered = [found.title for found in pilot.app.get_system_commands(pilot.app.screen)]
        assert "time the model on every device" in offered
        assert "choose other colours" in offered
        assert len(offered) == len(set(offered))


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_it_quits(ui: ModuleType, key: str) -> None:
    async with ui.running(ui.FakeClient()) as pilot:
        await pilot.press(key)
        assert not pilot.app.is_running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signals_end_it_properly_and_the_client_is_closed(
    ui: ModuleType, number: signal.Signals
) -> None:
    client = ui.FakeClient()
    app = NninspectApp(client, ui.Setup(target="x"))
    asyncio.get_running_loop().call_later(0.5, os.kill, os.getpid(), number)
    code = await serve(app, client, headless=True)
    assert code == 128 + number
    assert client.closed


def test_the_log_is_bounded() -> None:
    book = LogBook()
    book.write("x" * 100_000)
    book.write("\n" + "line\n" * (MOST_LINES + 10))
    assert len(book.lines) == MOST_LINES
    assert max(map(len, book.lines)) <= MOST_CHARS + 1


def test_the_ui_never_imports_torch() -> None:
    look = (
        "import sys, nninspect.ui.app, nninspect.ui.screens.picker; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
