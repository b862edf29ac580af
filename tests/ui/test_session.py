"""What is asked of the worker: devices, benches, reloads, cancels, and a worker that dies."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from nninspect.client.api import Advanced, Printed
from nninspect.errors import BuildFailed, DeviceError, WorkerDied
from nninspect.protocol.bench_plan import BenchProgress, Key
from nninspect.protocol.records import Environment
from nninspect.ui import look, progress
from nninspect.ui.session import bench_plan
from nninspect.ui.widgets.bench_pane import BenchPane
from nninspect.ui.widgets.notice import Notice


def asked(client: object, name: str) -> list[object]:
    return [what for found, what in client.asked if found == name]  # type: ignore[attr-defined]


async def test_the_first_frame_does_not_wait_for_the_worker(ui: ModuleType) -> None:
    client = ui.FakeClient(ready=False)
    client.gate.clear()
    async with ui.running(client) as pilot:
        assert "starting torch…" in ui.text_of(pilot)
        assert "loading resnet-small" in ui.text_of(pilot)
        client.become_ready()
        client.gate.set()
        await ui.settle(pilot)
        assert "torch 2.13.0 on gpubox" in ui.text_of(pilot)
        assert "▾ ResNetSmall" in ui.text_of(pilot)


async def test_d_moves_through_the_devices_and_back(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("d")
        await ui.settle(pilot)
        assert "cuda:0 ▸ cpu" in ui.text_of(pilot)
        assert "now on cuda:0" in ui.text_of(pilot)
        await pilot.press("d")
        await ui.settle(pilot)
        assert "cpu ▸ cuda:0" in ui.text_of(pilot)
        assert [setup.device for setup in asked(client, "inspect")] == ["cpu", "cuda:0", "cpu"]


async def test_a_move_says_where_to(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("d")
        await ui.settle(pilot)
        assert "moving to cuda:0…" in ui.text_of(pilot)
        client.gate.set()


async def test_a_failed_move_leaves_the_model_where_it_was(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [DeviceError("cuda:0 has no memory left", "Try a smaller batch")]
        await pilot.press("d")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "✗ cuda:0 has no memory left" in shown
        assert "cpu ▸ cuda:0" in shown
        assert "▾ ResNetSmall" in shown


async def test_a_forward_that_fails_only_there_is_a_failed_move(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.failure = ui.FORWARD_FAILED
        await pilot.press("d")
        await ui.settle(pilot)
        assert "cpu ▸ cuda:0" in ui.text_of(pilot)
        assert "✗ head (Linear) got" in ui.text_of(pilot)
        assert not pilot.app.screen.query_one(Notice).display


async def test_one_device_says_why_there_is_no_other(ui: ModuleType) -> None:
    where = ui.environment(ui.CPU, why_not="this torch is built without CUDA")
    client = ui.FakeClient(where=where)
    async with ui.running(client) as pilot:
        await pilot.press("d")
        await ui.settle(pilot)
        assert "no other device: this torch is built without CUDA" in ui.text_of(pilot)
        assert len(asked(client, "inspect")) == 1


async def test_a_bench_runs_on_every_device_and_shows_them_side_by_side(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client, size=(120, 30)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        (plan,) = asked(client, "bench")
        assert plan.devices == ("cpu", "cuda:0")
        lines = ui.text_of(pilot).splitlines()
        (row,) = [line for line in lines if line.split()[:2] == ["cuda:0", "32"]]
        assert "~160×" in row
        (row,) = [line for line in lines if line.split()[:2] == ["cpu", "32"]]
        assert "untrusted" in row


async def test_a_bench_shows_its_progress(ui: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0.0)
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("b")
        await ui.settle(pilot)
        client.tell(Advanced("cuda:0, batch 8", 0.5))
        await pilot.pause(0.05)
        shown = ui.text_of(pilot)
        assert " 50%  bench: cuda:0, batch 8" in shown
        assert shown.count("50%") == 1
        await pilot.press("1")
        await ui.settle(pilot)
        assert " 50%  bench: cuda:0, batch 8" in ui.text_of(pilot)


async def test_a_bench_under_way_shows_each_rows_figure_so_far_and_the_way_out(
    ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0.0)
    client = ui.FakeClient()
    async with ui.running(client, size=(80, 24)) as pilot:
        client.gate.clear()
        await pilot.press("b")
        await ui.settle(pilot)
        for key, seconds in (
            (Key("cuda:0", 8), 2e-3),
            (Key("cpu", 8), 1e-3),
            (Key("cpu", 8), 3e-3),
        ):
            told = BenchProgress(
                key=key,
                place=0,
                places=2,
                round=1,
                rounds=10,
                latest=key,
                median_s=seconds,
                ci_low_s=0.9 * seconds,
                ci_high_s=1.1 * seconds,
                seconds_left=9.0,
            )
            client.tell(Advanced("timing", 0.1, told))
        await pilot.pause(0.05)
        shown = ui.text_of(pilot)
        assert "9 s left, round 2 of 10, cpu, batch 8" in shown
        assert "cancels, and keeps the finished rounds" in shown
        assert re.search(r"cpu, batch 8 +3.0 ms \(2.7–3.3 ms\)", shown)
        assert re.search(r"cuda:0, batch 8 +2.0 ms \(1.8–2.2 ms\)", shown)
        assert "1.0 ms" not in shown, "the latest of a row"
        client.gate.set()
        await ui.settle(pilot)
        assert "keeps the finished rounds" not in ui.text_of(pilot)


async def test_progress_is_told_at_intervals_and_the_latest_of_it(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("b")
        await ui.settle(pilot)
        view = pilot.app.screen.query_one(BenchPane)
        seen = set()
        for step in range(20):
            client.tell(Advanced("running", step / 20))
            await pilot.pause(0.02)
            seen.add(view.activity.fraction)
        await pilot.pause(0.3)
        assert len(seen) <= 4
        assert view.activity.fraction == 0.95


async def test_escape_cancels_and_keeps_the_last_result(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        client.gate.clear()
        await pilot.press("b")
        await ui.settle(pilot)
        assert "esc cancels" in ui.text_of(pilot)
        await pilot.press("escape")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "cancelled" in shown
        assert "verdict" in shown
        assert "esc cancels" not in shown


async def test_ctrl_c_cancels_what_runs_before_it_quits(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("b", "ctrl+c")
        client.gate.set()
        await ui.settle(pilot)
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        assert not pilot.app.is_running


async def test_nothing_else_is_asked_while_a_bench_runs(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("b", "1", "d")
        await ui.settle(pilot)
        assert len(asked(client, "inspect")) == 1
        client.gate.set()


async def test_a_failed_bench_says_so_in_its_tab(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [DeviceError("out of memory at batch 32", "Try fewer")]
        await pilot.press("b")
        await ui.settle(pilot)
        assert ui.text_of(pilot).count("out of memory at batch 32") == 2
        await pilot.press("b")
        await ui.settle(pilot)
        assert "out of memory" not in ui.text_of(pilot)


async def test_a_reload_keeps_cursor_folds_and_filter(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("j", "space", "J", "j")
        await pilot.press("r")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert asked(client, "reload")
        assert model.table.path(model.cursor) == "stage1.0"
        assert "▸ stem" in ui.text_of(pilot)
        assert "reloaded" in ui.text_of(pilot)


async def test_a_failed_reload_keeps_the_tree_and_says_why(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [BuildFailed("Net() raised NameError", "Look at line 3", where="net.py:3")]
        await pilot.press("r")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "▾ ResNetSmall" in shown
        assert "Net() raised NameError" in shown
        assert "net.py:3" in shown


async def test_a_first_look_that_fails_says_what_to_do_and_can_be_tried_again(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    client.errors = [BuildFailed("Net() raised NameError", "Look at line 3", details="Traceback")]
    async with ui.running(client) as pilot:
        shown = ui.text_of(pilot)
        assert "✗ Net() raised NameError" in shown
        assert "r try again" in shown
        assert "Traceback" not in shown
        await pilot.press("5")
        assert "Traceback" in pilot.app.screen.query_one("#log").book.lines
        await pilot.press("1", "r")
        await ui.settle(pilot)
        assert "▾ ResNetSmall" in ui.text_of(pilot)


async def test_a_dead_worker_is_told_with_its_cause_and_restarted_by_one_key(
    ui: ModuleType,
) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.die()
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "the worker was killed by SIGKILL" in shown
        assert "R restart the worker" in shown
        assert "worker stopped" in shown
        assert "▾ ResNetSmall" in shown
        assert "last line of stderr" in pilot.app.screen.query_one("#log").book.lines
        await pilot.press("R")
        await ui.settle(pilot)
        assert "SIGKILL" not in ui.text_of(pilot)
        assert [name for name, _ in client.asked][-2:] == ["restart", "inspect"]


async def test_a_worker_that_dies_under_a_request_is_told_once(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [WorkerDied("the worker was killed by SIGKILL")]
        client.die()
        await pilot.press("r")
        await ui.settle(pilot)
        lines = list(pilot.app.screen.query_one("#log").book.lines)
        assert lines.count("the worker was killed by SIGKILL") == 1


async def test_opening_another_model_takes_over_from_one_still_loading(ui: ModuleType) -> None:
    client = ui.FakeClient()
    client.gate.clear()
    async with ui.running(client) as pilot:
        session = pilot.app.screen.session
        session.open(ui.Setup(target="second"))
        session.open(ui.Setup(target="third"))
        await pilot.pause(0.05)
        client.gate.set()
        await ui.settle(pilot)
        assert [setup.target for setup in asked(client, "inspect")] == ["resnet-small", "third"]
        assert pilot.app.screen.picture.inspection.setup.target == "third"


async def test_a_broken_answer_is_a_message_and_no_crash(
    ui: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(columns: object) -> None:
        raise ValueError("a column points nowhere")

    monkeypatch.setattr(look, "LayerTable", broken)
    async with ui.running(ui.FakeClient()) as pilot:
        assert "a column points nowhere" in ui.text_of(pilot)


async def test_prints_land_in_the_log_with_their_escapes_gone(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.tell(Printed("half a \x1b[31mred"))
        client.tell(Printed(" line[/b]\n10%\r100%\nno end"))
        await ui.settle(pilot)
        assert "5 Log ●" in ui.text_of(pilot)
        await pilot.press("5")
        await pilot.pause(0.2)
        shown = ui.text_of(pilot)
        assert "half a red line[/b]" in shown
        assert "100%" in shown
        assert "●" not in shown
        client.tell(Printed(" yet\n"))
        await pilot.pause(0.2)
        assert "no end yet" in ui.text_of(pilot)


def test_a_bench_takes_every_device_and_the_batch_in_view(ui: ModuleType) -> None:
    where: Environment = ui.environment()
    assert bench_plan(None, where).batches == (1, 8, 32)
    plan = bench_plan(4, where)
    assert (plan.devices, plan.batches) == (("cpu", "cuda:0"), (1, 4, 8, 32))
