"""The Weights tab: every tensor, sorted, and the way to its layer."""

from __future__ import annotations

from types import ModuleType

from msgspec.structs import replace

from nninspect.protocol.bench_figures import LayerTime, LayerTimes
from nninspect.text.weights import health, sentences
from nninspect.ui.measures import times_of
from nninspect.ui.weights_rows import arranged


def test_health_is_what_stands_out_of_the_values(ui: ModuleType) -> None:
    found = {stats.path: health(stats) for stats in ui.some_tensors()}
    assert found["stem.conv.weight"] == "ok"
    assert found["stage3.1.conv2.weight"] == "NaN"
    assert found["head.bias"] == "all zeros"
    assert health(ui.stats("w", (2,), None)) == "?"


def test_a_sample_says_that_it_is_one(ui: ModuleType) -> None:
    sampled = next(stats for stats in ui.some_tensors() if stats.is_sampled)
    assert any("1,000 values drawn at random" in each for each in sentences(sampled))


def test_the_broken_come_first_by_health_and_the_largest_by_share(ui: ModuleType) -> None:
    tensors = ui.some_tensors()
    by_health = [stats.path for stats in arranged(tensors, "health")]
    assert by_health[:2] == ["stage3.1.conv2.weight", "head.bias"]
    assert next(s.path for s in arranged(tensors, "share")) == "stage3.1.conv2.weight"
    assert next(s.path for s in arranged(tensors, "share", True)) == "head.bias"


async def test_the_tab_lists_every_tensor_and_enter_goes_to_its_layer(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("4")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "5 tensors" in shown
        assert "1 with NaN or Inf" in shown
        assert "all zeros" in shown
        await pilot.press("j", "enter")
        await ui.settle(pilot)
        model = ui.tree_of(pilot)
        assert model.table.path(model.cursor) == "head"
        await pilot.press("4")
        await ui.settle(pilot)
        assert client.asked.count(("weights", "")) == 1


async def test_a_click_on_a_title_sorts_and_again_turns_it_round(ui: ModuleType) -> None:
    async with ui.running(ui.FakeClient(), size=(120, 30)) as pilot:
        await pilot.press("4")
        await ui.settle(pilot)
        lines = ui.text_of(pilot).splitlines()
        place = lines[3].index("health") + 1, 3
        assert "█" in lines[4]
        found = []
        for _ in "12":
            await pilot.click(offset=place)
            await ui.settle(pilot)
            found.append(ui.text_of(pilot).splitlines()[4].split()[1])
        assert found[0] == "stage3.1.conv2.weight" != found[1]
        assert "by health the other way round" in ui.text_of(pilot)


async def test_a_new_picture_forgets_the_values_and_escape_cancels_looking(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.gate.clear()
        await pilot.press("4")
        await ui.settle(pilot)
        await pilot.press("escape")
        client.gate.set()
        await ui.settle(pilot)
        assert "v looks at every" in ui.text_of(pilot)
        await pilot.press("v")
        await ui.settle(pilot)
        assert "5 tensors" in ui.text_of(pilot)
        await pilot.press("r")
        await ui.settle(pilot)
        assert "v looks at every" in ui.text_of(pilot)


def test_the_times_of_layers_are_those_of_the_first_row_that_has_them(ui: ModuleType) -> None:
    result = ui.bench_result(ui.Setup(target="net"), ui.BenchPlan(devices=("cpu",), batches=(1,)))
    assert times_of(result) is None
    times = LayerTimes(
        layers=(LayerTime(path="head", self_s=0.001, total_s=0.003, calls=1),),
        unattributed_s=0.0,
        instrumented_over_plain=1.2,
    )
    rows = tuple(replace(row, layers=times) for row in result.rows)
    assert times_of(replace(result, rows=rows)) == {"head": 0.003}
