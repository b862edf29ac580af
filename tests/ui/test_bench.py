"""The Bench tab: rows with a cursor, all of one row, charts, the plan, and the run before."""

from __future__ import annotations

from types import ModuleType

import pytest

from nninspect.protocol.bench_plan import BenchPlan


def plans(client: object) -> list[BenchPlan]:
    return [what for found, what in client.asked if found == "bench"]  # type: ignore[attr-defined]


async def test_the_row_under_the_cursor_is_told_in_full(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        assert "cpu, batch 1" in ui.text_of(pilot)
        await pilot.press("j", "j")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "cpu, batch 32" in shown
        assert "untrusted" in shown
        assert "• trend:" in shown


async def test_v_turns_to_the_next_chart_and_round_the_end(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 40)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        titles = ("latency over batch", "throughput over batch", "rounds over time")
        for title in (*titles, titles[0]):
            assert title in ui.text_of(pilot)
            await pilot.press("v")
            await ui.settle(pilot)


async def test_in_a_narrow_terminal_charts_and_row_take_turns(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(80, 24)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        assert "over batch" not in ui.text_of(pilot)
        for title in ("latency over batch", "throughput over batch", "rounds over time"):
            await pilot.press("v")
            await ui.settle(pilot)
            assert title in ui.text_of(pilot)
        await pilot.press("v")
        await ui.settle(pilot)
        assert "over time" not in ui.text_of(pilot)
        assert "ordered rounds" in ui.text_of(pilot)


async def test_a_plan_is_asked_for_and_remembered(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("B")
        await pilot.pause()
        await pilot.press("end", *("backspace",) * 20, *"cpu", "tab", "end", *("backspace",) * 20)
        await pilot.press(*"2,4", "enter")
        await ui.settle(pilot)
        await pilot.press("b")
        await ui.settle(pilot)
        first, again = plans(client)
        assert (first.devices, first.batches) == (("cpu",), (2, 4))
        assert again == first


async def test_a_plan_that_cannot_be_is_said_and_not_started(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("B")
        await pilot.pause()
        await pilot.press("tab", "end", *("backspace",) * 20, *"0", "enter")
        await pilot.pause()
        assert "'0' is not a batch size: type 1 or more" in ui.text_of(pilot)
        assert plans(client) == []


async def test_a_second_run_stands_against_the_first(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(140, 60)) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        assert "against the run before" not in ui.text_of(pilot)
        await pilot.press("b")
        await ui.settle(pilot)
        assert "against the run before" in ui.text_of(pilot)
        assert "no difference that shows" in ui.text_of(pilot)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (200, 60)])
async def test_every_size_shows_the_rows_and_the_verdict(
    ui: ModuleType, size: tuple[int, int]
) -> None:
    async with ui.running(ui.FakeClient(), size=size) as pilot:
        await pilot.press("b")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert shown.count("cuda:0") >= 3
        assert "trusted" in shown
