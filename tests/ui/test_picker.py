"""The picker: what was opened before, the models of the folder, the cards, and what was meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from nninspect.errors import BadTarget
from nninspect.plugin import Collection, InputSpec, ModelCard
from nninspect.protocol.records import Setup
from nninspect.recent import Recent, default_file
from nninspect.ui import choices
from nninspect.ui.choices import MATCHED, card_choices, matching
from nninspect.ui.found_models import MOST_FILES, Found, found_models, models_in


def card(name: str, twin_of: str = "") -> ModelCard:
    return ModelCard(
        name=name,
        title=f"The {name}",
        description="Two linear layers.",
        factory="m:F",
        inputs=(InputSpec((1, 784)),),
        twin_of=twin_of,
        mistake="It is wrong." if twin_of else "",
    )


CARDS = (card("mlp"), card("cnn"), card("broken-list", "mlp"), card("broken-super", "mlp"))


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "collections", lambda: (Collection("bundled", CARDS),))


def opened(client: object) -> Setup:
    return next(found for what, found in reversed(client.asked) if what == "inspect")  # type: ignore[attr-defined]


def test_letters_that_match_are_set_off() -> None:
    (found, _) = matching(card_choices(), "bsup")
    assert found.target == "broken-super"
    spans = [span for span in found.line("bsup").spans if str(span.style) == MATCHED]
    assert [span.start for span in spans] == [0, 7, 8, 9]


@pytest.mark.parametrize(("typed", "meant"), [("mpl", "mlp"), ("brokn-sper", "broken-super")])
def test_a_mistyped_name_offers_what_was_meant(typed: str, meant: str) -> None:
    found = matching(card_choices(), typed)
    assert found[0].target == meant
    assert "Did you mean" in str(found[-1].about)


async def test_the_twin_is_a_key_away_and_the_way_back_too(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, None, size=(100, 30)) as pilot:
        assert "broken-list" in ui.text_of(pilot).split("It is wrong.")[0]
        await pilot.press(*"mlp")
        for expected in ("broken-list", "broken-super", "mlp", "broken-list"):
            await pilot.press("ctrl+t")
            await pilot.pause()
            assert pilot.app.screen._current.target == expected
        assert "It is wrong." in ui.text_of(pilot)
        await pilot.press("enter")
        await ui.settle(pilot)
        assert opened(client).target == "broken-list"


async def test_what_was_opened_comes_first_next_time_with_its_options_until_it_is_forgotten(
    ui: ModuleType,
) -> None:
    Recent(default_file(), Path.cwd()).add(Setup(target="cnn", batch=32))
    client = ui.FakeClient()
    async with ui.running(client, None, size=(100, 30)) as pilot:
        assert "recent --batch 32" in ui.text_of(pilot)
        await pilot.press("enter")
        await ui.settle(pilot)
        assert (opened(client).target, opened(client).batch) == ("cnn", 32)
        await pilot.press("o", *"mlp", "enter")
        await ui.settle(pilot)
        assert opened(client).batch is None
        for _ in range(50):
            await pilot.pause(0.01)
            if len(Recent(default_file(), Path.cwd()).read()) == 2:
                break
        await pilot.press("o")
        await pilot.pause()
        assert pilot.app.screen._current.target == "mlp"
        await pilot.press("down", "ctrl+x")
        await pilot.pause()
        assert "recent --batch" not in ui.text_of(pilot)
        assert "recent The mlp" in ui.text_of(pilot)
        assert [each.target for each in Recent(default_file(), Path.cwd()).read()] == ["mlp"]


async def test_the_models_of_the_folder_are_listed_and_a_click_opens_one(
    ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = (Found("net.py:Net", "class Net(nn.Module), line 3"),)
    monkeypatch.setattr("nninspect.ui.screens.picker.found_models", lambda folder: found)
    client = ui.FakeClient()
    async with ui.running(client, None, size=(100, 30)) as pilot:
        for _ in range(50):
            await pilot.pause(0.01)
            if "net.py:Net" in ui.text_of(pilot):
                break
        await pilot.click("#choices", offset=(3, 0))
        await ui.settle(pilot)
        assert opened(client).target == "net.py:Net"


async def test_one_of_several_models_opens_with_the_options_that_were_given(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [BadTarget("2 models", "Say which", choices=("net.py:A", "net.py:B"))]
        pilot.app.screen.session.open(Setup(target="net.py", batch=7))
        await ui.settle(pilot)
        await pilot.press("down", "enter")
        await ui.settle(pilot)
        assert (opened(client).target, opened(client).batch) == ("net.py:B", 7)


# what stands in files

SOURCE = """
import torch
from torch import nn
import lightning as L

raise RuntimeError("this must never run")

class Part(nn.Module): ...
class Sized(nn.Sequential): ...
class Whole(Part):
    def __init__(self):
        self.sized = Sized()
class Lit(L.LightningModule): ...
class _Hidden(nn.Module): ...
class Data: ...
class Loop(Loop): ...

net = Whole()
size = 3

def make(n: int) -> nn.Module: ...
def build(): return Whole()
def data(): return Data()
"""


def test_classes_functions_and_instances_are_found_without_running_anything() -> None:
    found = dict(models_in(SOURCE))
    assert list(found) == ["Whole", "Lit", "Part", "Sized", "net", "make", "build"]
    assert found["Whole"] == "class Whole(Part), line 10"
    assert found["net"] == "Whole(…), line 18"


@pytest.mark.parametrize(
    "text",
    [
        "class (",
        "\0",
        "(" * 100_000,
        "x = " + "-" * 100_000 + "1",
        f"class A(nn{'.nn' * 3_000}): ...",
    ],
)
def test_source_that_can_not_be_read_has_no_models(text: str) -> None:
    assert models_in(text) == []


def test_a_folder_is_looked_at_in_bounds(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SOURCE)
    (tmp_path / "other.py").write_text("print('no model')")
    (tmp_path / "bytes.py").write_bytes(b"torch \xff")
    (tmp_path / "sub" / "deeper" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deeper" / "n.py").write_text(SOURCE)
    (tmp_path / "sub" / "deeper" / "deep" / "n.py").write_text(SOURCE)
    (tmp_path / "sub" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "config.json").write_text('{"model_type": "x", "architectures": 3}')
    for name in (".venv", "site-packages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "n.py").write_text(SOURCE)
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    targets = [found.target for found in found_models(tmp_path)]
    assert targets[0] == "net.py:Whole"
    assert "sub/config.json" in targets
    assert "sub/deeper/n.py:Whole" in targets
    files = {target.rpartition(":")[0] for target in targets}
    assert files == {"net.py", "sub/deeper/n.py", ""}


def test_a_folder_with_very_many_files_ends_early(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 20):
        (tmp_path / f"n{number:04}.py").write_text("from torch import nn\nclass N(nn.Module): ...")
    assert len(list(found_models(tmp_path))) == MOST_FILES
    assert list(found_models(tmp_path, ticking().__next__)) == []


def ticking() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 10.0
