"""What is copied and exported is what is shown; where it went is said."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot

from nninspect.client.api import Printed
from nninspect.errors import UsageError
from nninspect.protocol.records import InputSpec, Setting, Setup
from nninspect.text.command import command
from nninspect.ui import clipboard
from nninspect.ui.clipboard import MOST_BYTES, PIECE, copy, sequences
from nninspect.ui.keys import keymap
from nninspect.ui.screens.main import COPY, EXPORT


def osc(text: str) -> str:
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"


def fake_tmux(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A tmux on the path that does what the script says; what it is given lies in a file."""
    got = folder / "got"
    (folder / "tmux").write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(got))}.args\n{script}')
    (folder / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return got


async def test_a_terminal_is_sent_osc_52(tmp_path: Path) -> None:
    written: list[str] = []
    where = await copy("stem.cönv", {"TERM": "xterm-256color"}, written.append, tmp_path / "f")
    assert (written, where) == ([osc("stem.cönv")], "clipboard")
    assert not (tmp_path / "f").exists()


async def test_in_tmux_its_buffer_has_the_text_however_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = fake_tmux(tmp_path, monkeypatch, f"cat > {tmp_path}/got")
    written: list[str] = []
    text = "x" * (MOST_BYTES + 1)
    assert await copy(text, {"TMUX": "1"}, written.append, tmp_path / "f") == "tmux buffer"
    assert (got.read_text(), written) == (text, [])
    assert Path(f"{got}.args").read_text() == "load-buffer -w -\n"
    assert "and clipboard" in await copy("x", {"TMUX": "1"}, written.append, tmp_path / "f")


async def test_an_old_tmux_has_its_buffer_and_a_broken_one_passes_the_sequence_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    got = fake_tmux(tmp_path, monkeypatch, f'test "$2" = -w && exit 1; cat > {tmp_path}/got')
    assert await copy("old", {"TMUX": "1"}, written.append, tmp_path / "f") == "tmux buffer"
    assert got.read_text() == "old"
    fake_tmux(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(clipboard, "TMUX_S", 0.1)
    assert await copy("hung", {"TMUX": "1"}, written.append, tmp_path / "f") == "clipboard"
    assert written == [osc("hung"), f"\x1bPtmux;\x1b{osc('hung')}\x1b\\"]


def test_screen_gets_pieces_that_it_puts_together_again() -> None:
    (wrapped,) = sequences("y" * 1_000, {"STY": "1", "TERM": "screen"})
    pieces = wrapped.removeprefix("\x1bP").removesuffix("\x1b\\").split("\x1b\\\x1bP")
    assert "".join(pieces) == osc("y" * 1_000)
    assert max(map(len, pieces)) <= PIECE
    assert next(sequences("z", {"TERM": "tmux-256color"})) == osc("z")


@pytest.mark.parametrize(
    ("text", "environment", "why"),
    [
        ("x" * (MOST_BYTES + 1), {"TERM": "xterm"}, "too long"),
        ("short", {"TERM": "linux"}, "no clipboard"),
        ("short", {"TERM": "xterm", "TERM_PROGRAM": "Apple_Terminal"}, "no clipboard"),
    ],
)
async def test_what_no_clipboard_takes_is_in_a_file_of_ones_own(
    tmp_path: Path, text: str, environment: dict[str, str], why: str
) -> None:
    file = tmp_path / "state" / "copied.txt"
    where = await copy(text, environment, pytest.fail, file)
    assert str(file) in where
    assert why in where
    assert file.read_text() == text
    assert file.stat().st_mode & 0o077 == 0


async def test_where_nothing_takes_it_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't copy"):
        await copy("x", {"TERM": "linux"}, pytest.fail, tmp_path / "file" / "copied.txt")


def test_a_command_has_what_is_not_as_usual_quoted() -> None:
    setup = Setup(
        target="my net.py:Net",
        settings=(Setting("names", "('a', 'b')"),),
        inputs=(InputSpec((1, 128), "int64", "ids", 0, 1000),),
        batch=8,
        device="cuda:0",
        dtype="float16",
        training=True,
    )
    words = shlex.split(command(setup, "check", "--loss", "mse_loss"))
    assert words[:3] == ["nninspect", "check", "my net.py:Net"]
    assert words[words.index("--set") + 1] == "names=('a', 'b')"
    assert words[words.index("--input") + 1] == "ids=int64[0:1000]:1x128"
    assert words[-3:] == ["--train", "--loss", "mse_loss"]
    assert command(Setup(target="x")) == "nninspect x"


Copied = Callable[..., Any]


@pytest.fixture
def copied(ui: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Copied:
    """Copy by keys; what the terminal was sent, as text."""

    async def press(pilot: Pilot[None], *keys: str) -> str:
        written: list[str] = []
        monkeypatch.setattr(pilot.app, "write_through", written.append)
        await pilot.press("y", *keys)
        for _ in range(50):
            await pilot.pause(0.01)
            if written:
                break
        (sequence,) = written
        return base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()

    return press


async def test_in_the_layers_the_path_the_row_the_table_and_the_command_are_copied(
    ui: ModuleType, copied: Copied
) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        await pilot.press("j", "j")
        assert await copied(pilot, "y") == "stem.conv"
        assert "copied path ‹stem.conv› to clipboard" in ui.text_of(pilot)
        row = await copied(pilot, "j", "y")
        assert row.startswith("conv  Conv2d  (1, 3, 32, 32)  (1, 16, 32, 32)  432")
        assert await copied(pilot, "G", "enter") == "nninspect resnet-small"
        await pilot.press("slash", *"head", "enter")
        rows = (await copied(pilot, "G", "k", "enter")).splitlines()
        assert [row.split("\t")[0] for row in rows] == ["module", "", "head"]
        assert "650" in rows[2].split("\t")


async def test_a_finding_is_copied_from_its_layer_and_from_the_doctor(
    ui: ModuleType, copied: Copied
) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        assert "nothing here yet" in await nothing(ui, pilot, "3", "y")
        await pilot.press("c", "y")
        await ui.settle(pilot)
        assert "finding NN301" in ui.text_of(pilot)
        await pilot.press("escape")
        assert "error NN301 softmax-before-loss" in await copied(pilot, "y")
        assert await copied(pilot, "j", "y") == "head"
        assert await copied(pilot, "j", "j", "y") == "return self.head(x)  # logits"
        assert await copied(pilot, "G", "y") == "nninspect check resnet-small"
        await pilot.press("enter")
        assert "error NN301" in await copied(pilot, "j", "j", "y")


async def nothing(ui: ModuleType, pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await ui.settle(pilot)
    return str(ui.text_of(pilot))


async def test_rows_of_a_benchmark_and_of_the_weights_are_copied(
    ui: ModuleType, copied: Copied
) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        assert (await copied(pilot, "y")).startswith("cpu  1  inference  2.")
        command = await copied(pilot, "G", "y")
        assert "bench resnet-small --devices cpu,cuda:0 --batch 1,8,32" in command
        await pilot.press("4")
        await ui.settle(pilot)
        assert await copied(pilot, "y") == "stage3.1.conv2.weight"
        table = await copied(pilot, "j", "j", "y")
        assert table.splitlines()[2].startswith("| stage3.1.conv2.weight")


async def test_the_log_gives_a_line_the_last_traceback_and_all_in_view(
    ui: ModuleType, copied: Copied
) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.tell(Printed("Traceback (most recent call last):\n  File x\nValueError: cheese\n"))
        client.tell(Printed("loss 0.3\nloss 0.2\n"))
        await pilot.press("5")
        await pilot.pause(0.2)
        assert await copied(pilot, "y") == "loss 0.2"
        assert (await copied(pilot, "j", "y")).splitlines()[-1] == "ValueError: cheese"
        await pilot.press("slash", *"loss", "enter")
        assert await copied(pilot, "G", "y") == "loss 0.3\nloss 0.2\n"


async def test_a_filtered_view_is_exported_as_it_is_shown(ui: ModuleType, tmp_path: Path) -> None:
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("slash", *"head", "enter", "e")
        await ui.settle(pilot)
        field = pilot.app.screen.query_one("#export-path")
        assert field.value == "resnet-small-layers.csv"
        field.value = str(tmp_path / "out.csv")
        await pilot.press("enter")
        await written(pilot, tmp_path / "out.csv")
        rows = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text())))
        assert [row[0] for row in rows] == ["module", "", "head"]
        assert "wrote /" in ui.text_of(pilot)


async def test_the_json_has_what_the_command_has_of_the_rows_in_view(
    ui: ModuleType, tmp_path: Path
) -> None:
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("slash", *"head", "enter", "e", "up")
        field = pilot.app.screen.query_one("#export-path")
        assert field.value == "resnet-small-layers.json"
        field.value = str(tmp_path / "out.json")
        await pilot.press("enter")
        await written(pilot, tmp_path / "out.json")
        found = json.loads((tmp_path / "out.json").read_text())
        assert [layer["path"] for layer in found["layers"]] == ["", "head"]
        assert {"schema", "setup", "totals", "edges"} <= found.keys()


async def test_a_file_that_is_there_is_asked_about_and_what_fails_is_said(
    ui: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "old.md").write_text("old")
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("e")
        field = pilot.app.screen.query_one("#export-path")
        for name, said in (("x.docx", ".csv"), ("no/x.csv", "can't write")):
            field.value = str(tmp_path / name)
            await pilot.press("enter")
            await pilot.pause(0.1)
            assert said in ui.text_of(pilot)
        field.value = str(tmp_path / "old.md")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "enter again overwrites it" in ui.text_of(pilot)
        assert (tmp_path / "old.md").read_text() == "old"
        await pilot.press("enter")
        for _ in range(50):
            await pilot.pause(0.01)
            if (tmp_path / "old.md").read_text() != "old":
                break
        assert "| stem.conv " in (tmp_path / "old.md").read_text()


async def test_a_click_takes_another_format(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("e")
        await pilot.click("#export-forms", offset=(24, 0))
        assert pilot.app.screen.query_one("#export-path").value.endswith(".svg")


async def test_a_benchmark_is_exported_with_its_charts(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(100, 30)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        shown = pilot.app.screen._shown()
        titles = [chart.title for chart in shown.charts()]
        assert "latency over batch" in titles
        svg, markdown = (
            html.unescape(shown.text("svg")).replace("\xa0", " "),
            shown.text("markdown"),
        )
        for title in titles:
            assert title in svg
            assert title in markdown
        assert markdown.count("```") == 2 * len(titles)
        assert markdown.startswith("| device")
        assert "over batch" not in shown.text("csv")


async def written(pilot: Pilot[None], path: Path) -> None:
    """Wait for a file, and for the dialog to be gone."""
    for _ in range(100):
        await pilot.pause(0.01)
        if path.exists() and len(pilot.app.screen_stack) == 1:
            break
    await pilot.pause()


async def test_help_palette_and_config_have_the_new_keys(ui: ModuleType) -> None:
    wanted = {"copy": "f5", "export": "f6", "log.source": "f7", "picker.twin": "ctrl+g"}
    keys, wrong = keymap(wanted)
    assert wrong == ()
    assert {name: keys[name] for name in wanted} == wanted
    async with ui.running(ui.FakeClient(), size=(100, 90)) as pilot:
        offered = [each.title for each in pilot.app.get_system_commands(pilot.app.screen)]
        await pilot.press("question_mark")
        await pilot.pause()
        for does in (COPY, EXPORT):
            assert does in offered
            assert does[:30] in ui.text_of(pilot)
