"""What the model is fed, edited: fields to inputs, what is refused, and what is asked for."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import msgspec
import pytest
from textual.widgets import Input

from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.ui.inputs import Fields, changes, fields_of, read, read_batch, with_next_dtype


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec((1, 3, 32, 32)),
        InputSpec((2, 128), "int64", "ids", 0.0, 1000.0),
        InputSpec((5, 2, 8), "float16", "batch.image", -0.5, 0.5, batch_dim=1),
        InputSpec((), "int64"),
    ],
)
def test_what_the_fields_show_is_read_back(spec: InputSpec) -> None:
    assert read(fields_of(spec), spec.batch_dim) == spec


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (Fields(shape="1, x3"), "is not an input"),
        (Fields(shape="1", dtype="float33"), "is not a dtype"),
        (Fields(shape="1", low="2", high="1"), "is empty"),
        (Fields(shape="1", low="2"), "two ends"),
        (Fields(name="2x", shape="1"), "is not an input"),
    ],
)
def test_what_can_not_be_read_says_why(fields: Fields, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(fields)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many"])
def test_a_batch_is_a_whole_number_from_one_on(text: str) -> None:
    with pytest.raises(BadInput, match="is not a batch size"):
        read_batch(text)


def looked_at(ui: ModuleType, **more: Any) -> Any:
    found = ui.inspection(ui.small_resnet(), ui.Setup(target="t", **more))
    return msgspec.structs.replace(found, dtype="bfloat16")


def test_inputs_that_were_not_touched_stay_as_they_were_asked_for(ui: ModuleType) -> None:
    found = looked_at(ui)
    assert changes(found, found.inputs, 1, False) == {}
    assert changes(found, found.inputs, 8, True) == {"batch": 8, "training": True}


def test_an_input_in_the_models_dtype_follows_the_model(ui: ModuleType) -> None:
    given = InputSpec((1, 3), "bfloat16")
    found = looked_at(ui, inputs=(given,))
    assert changes(found, (given,), None, False)["inputs"] == (InputSpec((1, 3), "float32"),)
    assert with_next_dtype(found) == {"dtype": "float64", "inputs": (InputSpec((1, 3)),)}


async def edit(pilot: Any, ui: ModuleType, **values: str) -> None:
    await pilot.press("i")
    await ui.settle(pilot)
    for name, value in values.items():
        pilot.app.screen.query(f"Input.input-{name}, Input#input-{name}").first(Input).value = value
    await ui.settle(pilot)


async def test_an_edited_input_is_run_and_survives_a_reload_and_a_move(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await edit(pilot, ui, shape="4, 3, 64, 64", low="0", high="1")
        await pilot.press("enter")
        await ui.settle(pilot)
        wanted = (InputSpec((4, 3, 64, 64), "float32", "", 0.0, 1.0),)
        for key in ("r", "d"):
            assert client.asked[-1][1].inputs == wanted
            await pilot.press(key)
            await ui.settle(pilot)
        assert client.asked[-1][1].inputs == wanted
        pilot.app.screen.session.open(ui.Setup(target="other"))
        await ui.settle(pilot)
        assert client.asked[-1][1].inputs == ()


async def test_a_mistake_is_told_while_it_is_typed_and_not_run(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        asked = len(client.asked)
        await edit(pilot, ui, dtype="float33")
        assert "'float33' is not a dtype" in ui.text_of(pilot)
        await pilot.press("enter")
        await ui.settle(pilot)
        assert len(client.asked) == asked
        assert "'float33' is not a dtype" in ui.text_of(pilot)


async def test_an_input_by_keyword_can_be_added(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("i")
        await ui.settle(pilot)
        await pilot.press("ctrl+n")
        await ui.settle(pilot)
        await pilot.press(*"mask", "tab", *"1,8")
        await pilot.press("enter")
        await ui.settle(pilot)
        assert client.asked[-1][1].inputs[1] == InputSpec((1, 8), "float32", "mask")


async def test_keys_change_the_dtype_and_the_mode(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        await pilot.press("t")
        await ui.settle(pilot)
        assert client.asked[-1][1].dtype == "float16"
        await pilot.press("E")
        await ui.settle(pilot)
        setup = client.asked[-1][1]
        assert (setup.training, setup.dtype) == (True, "float16")


async def test_a_change_that_is_refused_keeps_the_picture(ui: ModuleType) -> None:
    client = ui.FakeClient()
    async with ui.running(client) as pilot:
        client.errors = [BadInput("the model can't be made float16")]
        await pilot.press("t")
        await ui.settle(pilot)
        shown = ui.text_of(pilot)
        assert "can't be made float16" in shown
        assert "▾ ResNetSmall" in shown
        assert pilot.app.screen.session.setup.dtype is None
