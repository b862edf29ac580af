"""What each screen looks like, at the two sizes that terminals mostly have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from nninspect.client.api import Printed
from nninspect.plugin import Collection, InputSpec, ModelCard
from nninspect.ui import choices
from nninspect.ui.app import NninspectApp

SIZES = [(80, 24), (120, 40)]
SnapCompare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]


def pressing(ui: ModuleType, *keys: str) -> Before:
    async def press(pilot: Pilot[None]) -> None:
        await ui.settle(pilot)
        for key in keys:
            await pilot.press(key)
            await ui.settle(pilot)

    return press


def app(ui: ModuleType, client: Any, target: str | None = "resnet-small") -> NninspectApp:
    return NninspectApp(client, ui.Setup(target=target) if target else None)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("j", "j"), id="layers"),
        pytest.param(("slash", *"conv", "down"), id="filter"),
        pytest.param(("j", "space", "G", "enter"), id="detail"),
        pytest.param(("b",), id="bench"),
        pytest.param(("b", "v", "v", "v"), id="chart"),
        pytest.param(("B",), id="plan"),
        pytest.param(("c",), id="doctor"),
        pytest.param(("c", "tab"), id="finding"),
        pytest.param(("c", "w"), id="rule"),
        pytest.param(("3", "L"), id="loss"),
        pytest.param(("3", "T"), id="task"),
        pytest.param(("4", "s", "s", "s"), id="weights"),
        pytest.param(("s",), id="sort"),
        pytest.param(("C",), id="columns"),
        pytest.param(("i",), id="inputs"),
        pytest.param(("j", "j", "y"), id="copy"),
        pytest.param(("e",), id="export"),
        pytest.param(("X",), id="twins"),
        pytest.param(("question_mark",), id="help"),
        pytest.param(("ctrl+p",), id="palette"),
    ],
)
def test_screen(
    ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    shown = app(ui, ui.FakeClient())
    assert snap_compare(shown, terminal_size=size, run_before=pressing(ui, *keys))


def test_ops(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient(ui.functional_net())
    client.flow = ui.FLOW
    to_the_skip = pressing(ui, "j", *["right_square_bracket"] * 4, *["enter"] * (size[0] < 110))
    assert snap_compare(app(ui, client), terminal_size=size, run_before=to_the_skip)


def test_runs(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient(ui.stacked_net(odd=5))
    to_a_run = pressing(ui, "slash", *"head", "escape", "K", "l")
    assert snap_compare(app(ui, client), terminal_size=size, run_before=to_a_run)


def test_log(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient()

    async def print_and_look(pilot: Pilot[None]) -> None:
        await ui.settle(pilot)
        client.tell(Printed("loading weights…\n\x1b[33mwarning:\x1b[0m [nothing] to load\n"))
        await pilot.press("5")
        await pilot.pause(0.2)

    shown = app(ui, client)
    assert snap_compare(shown, terminal_size=size, run_before=print_and_look)


def test_failed_forward(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient(ui.failing_resnet())
    client.failure = ui.FORWARD_FAILED
    assert snap_compare(app(ui, client), terminal_size=size, run_before=pressing(ui))


def test_nothing_to_show(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient()
    client.errors = [ui.FORWARD_FAILED.error()]
    assert snap_compare(app(ui, client), terminal_size=size, run_before=pressing(ui))


def test_dead_worker(ui: ModuleType, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    client = ui.FakeClient()

    async def die(pilot: Pilot[None]) -> None:
        await ui.settle(pilot)
        client.die()
        await ui.settle(pilot)

    assert snap_compare(app(ui, client), terminal_size=size, run_before=die)


def test_picker(
    ui: ModuleType,
    snap_compare: SnapCompare,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cards = tuple(
        ModelCard(
            name=f"{kind}{name}",
            title=f"{name.upper()} {'that does not learn' if kind else 'for digits'}",
            description="One paragraph about what it is and what to look at in it. " * 3,
            factory="m:F",
            inputs=(InputSpec((1, 784)), InputSpec((1, 16), "int64", "tokens")),
            concepts=("nn.Module", "forward"),
            task="multi-class classification",
            loss="cross_entropy",
            twin_of=name if kind else "",
            mistake="Its layers stand in a Python list." if kind else "",
        )
        for name in ("mlp", "cnn", "rnn", "resnet", "transformer")
        for kind in ("", "broken-")
    )
    monkeypatch.setattr(choices, "collections", lambda: (Collection("bundled", cards),))
    shown = app(ui, ui.FakeClient(), None)
    down = pressing(ui, *["down"] * 6)
    assert snap_compare(shown, terminal_size=size, run_before=down)
