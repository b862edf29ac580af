"""Saved files are read again, and what that changed is marked."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Mark, pack
from nninspect.ui.changes import mark_changes
from nninspect.ui.watch import FileWatch, files_of


def save(file: Path, text: str, when: int) -> None:
    file.write_text(text)
    os.utime(file, ns=(when, when))


def test_a_save_is_told_once_and_when_the_file_is_left_alone(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    save(net, "1", 10**9)
    watch = FileWatch()
    watch.watch([str(net)])
    assert not watch.changed()
    save(net, "12", 2 * 10**9)
    assert not watch.changed()
    save(net, "123", 3 * 10**9)
    assert [watch.changed() for _ in range(3)] == [False, True, False]


def test_a_file_that_an_editor_puts_in_anothers_place_counts_and_its_absence_does_not(
    tmp_path: Path,
) -> None:
    net, new = tmp_path / "net.py", tmp_path / "new"
    save(net, "1", 10**9)
    watch = FileWatch()
    watch.watch([str(net)])
    net.rename(tmp_path / "net.py~")
    assert [watch.changed() for _ in range(2)] == [False, False]
    save(new, "2", 10**9)
    new.rename(net)
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_where_nothing_is_known_the_files_beside_the_target_are_watched(tmp_path: Path) -> None:
    for name in ("net.py", "head.py", "notes.txt"):
        (tmp_path / name).touch()
    found = [Path(file).name for file in files_of(f"{tmp_path}/net.py:Net")]
    assert sorted(found) == ["head.py", "net.py"]
    assert files_of("resnet-small") == ()


def table(root: object) -> LayerTable:
    return LayerTable(pack(list(root.rows())))  # type: ignore[attr-defined]


def test_other_shapes_parameters_and_arguments_are_changes_and_unknown_shapes_are_not(
    ui: ModuleType,
) -> None:
    before, after = ui.small_resnet(), ui.small_resnet()
    after.children[0].children[0].extra = "4, 16"
    after.children[-2].outputs = ui.shape(1, 7)
    after.children[1].inputs = None
    after.children.append(ui.norm("new", 3, 4))
    found = table(after)
    assert mark_changes(table(before), found) == 3
    marked = {found.path(row) for row, marks in enumerate(found.marks) if marks & Mark.CHANGED}
    assert marked == {"stem.conv", "head", "new"}


async def test_a_saved_file_is_reloaded_when_watched_and_only_then(
    ui: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = tmp_path / "net.py"
    save(net, "1", 10**9)
    client = ui.FakeClient()
    async with ui.running(client, f"{net}:Net") as pilot:
        screen = pilot.app.screen

        async def looks() -> list[str]:
            for _ in range(3):
                screen._look_at_files()
                await ui.settle(pilot)
            return [what for what, _ in client.asked if what == "reload"]

        save(net, "12", 2 * 10**9)
        assert await looks() == []
        await pilot.press("W")
        await looks()
        client.tree = ui.small_resnet()
        client.tree.children[-2].outputs = ui.shape(1, 7)
        save(net, "123", 3 * 10**9)
        assert await looks() == ["reload"]
        assert "1 row changed" in ui.text_of(pilot)
        found = ui.tree_of(pilot).table
        assert [found.path(n) for n, m in enumerate(found.marks) if m & Mark.CHANGED] == ["head"]


async def test_a_save_while_the_worker_starts_is_reloaded_once_it_is_there(
    ui: ModuleType, tmp_path: Path
) -> None:
    net = tmp_path / "net.py"
    save(net, "1", 10**9)
    client = ui.FakeClient(ready=False)
    client.gate.clear()
    async with ui.running(client, f"{net}:Net") as pilot:
        await pilot.press("W")
        await pilot.pause(0.7)
        save(net, "12", 2 * 10**9)
        await pilot.pause(1.2)
        assert "reload" not in [what for what, _ in client.asked]
        client.become_ready()
        client.gate.set()
        await ui.settle(pilot)
        await pilot.pause(0.7)
        await ui.settle(pilot)
        assert "reload" in [what for what, _ in client.asked]


async def test_the_save_after_one_that_killed_the_worker_starts_another(
    ui: ModuleType, tmp_path: Path
) -> None:
    net = tmp_path / "net.py"
    save(net, "1", 10**9)
    client = ui.FakeClient()
    async with ui.running(client, f"{net}:Net") as pilot:
        await pilot.press("W")
        pilot.app.screen._look_at_files()
        client.die()
        await ui.settle(pilot)
        save(net, "12", 2 * 10**9)
        for _ in range(3):
            pilot.app.screen._look_at_files()
            await ui.settle(pilot)
        assert [what for what, _ in client.asked].count("restart") == 1
        assert "SIGKILL" not in ui.text_of(pilot)
