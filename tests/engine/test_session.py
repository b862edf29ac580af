"""One model at a time: built once, moved, read again on request."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from nninspect.engine import session as session_module
from nninspect.engine.session import Session
from nninspect.errors import (
    BadInput,
    BadTarget,
    BuildFailed,
    Cancelled,
    DeviceError,
    Interrupted,
    NninspectError,
)
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import InputSpec, Inspection, Setting, Setup

Write = Callable[..., Path]

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, hidden=3):
        super().__init__()
        self.fc = nn.Linear(4, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.out(self.fc(x))
"""

META = torch.device("meta")
CPU = torch.device("cpu")


def quiet(stage: str, fraction: float | None) -> None:
    return


def look(session: Session, setup: Setup, **more: Any) -> Inspection:
    return session.inspect(setup, reload=more.pop("reload", False), progress=quiet, **more)


def refusal(session: Session, setup: Setup) -> NninspectError:
    with pytest.raises(NninspectError) as caught:
        look(session, setup)
    return caught.value


def model_of(session: Session, setup: Setup) -> torch.nn.Module:
    return session.loaded(setup, reload=False, progress=quiet).model


# What is built anew


def test_setups_that_differ_in_how_to_run_it_share_the_build(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    model = model_of(session, setup)
    for change in (
        {"batch": 3},
        {"training": True},
        {"inputs": (InputSpec((5, 4)),)},
    ):
        changed = msgspec.structs.replace(setup, **change)
        look(session, changed)
        assert model_of(session, changed) is model


def test_the_setup_that_comes_back_asks_for_the_same(session: Session, write: Write) -> None:
    write("net.py", NET)
    first = look(session, Setup(target="net.py:Net"))
    model = model_of(session, first.setup)
    assert first.dtype == "float32"
    assert first.setup == Setup(target="net.py:Net")
    assert first.inputs == (InputSpec((1, 4)),)
    second = look(session, first.setup)
    assert model_of(session, second.setup) is model
    assert first.layers == second.layers
    assert first.inputs_from == second.inputs_from


@pytest.mark.parametrize(
    "change",
    [
        {"settings": (Setting("hidden", "5"),)},
        {"dtype": "float64"},
        {"target": "./net.py:Net"},
    ],
)
def test_a_setup_that_differs_in_what_is_built_is_built(
    change: dict[str, Any], session: Session, write: Write
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    model = model_of(session, setup)
    changed = msgspec.structs.replace(setup, **change)
    look(session, changed)
    assert model_of(session, changed) is not model


def test_a_reload_reads_the_file_again(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    assert look(session, setup).totals.parameters == 4 * 3 + 3 + 3 * 2 + 2
    write("net.py", NET.replace("hidden=3", "hidden=5"))
    assert look(session, setup).totals.parameters == 4 * 3 + 3 + 3 * 2 + 2
    assert look(session, setup, reload=True).totals.parameters == 4 * 5 + 5 + 5 * 2 + 2


def test_after_a_failed_reload_the_mended_file_is_read(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    write("net.py", NET.replace("nn.Linear(4", "nn.Linera(4"))
    with pytest.raises(BuildFailed):
        look(session, setup, reload=True)
    write("net.py", NET)
    assert look(session, setup).failure is None


def test_a_lazy_model_is_built_again_for_inputs_of_another_shape(
    session: Session, write: Write
) -> None:
    write("net.py", "from torch import nn\ndef make():\n    return nn.LazyLinear(2)\n")
    setup = Setup(target="net.py:make", inputs=(InputSpec((1, 4)),))
    first = look(session, setup)
    assert first.totals.parameters == 10
    model = model_of(session, first.setup)
    assert model_of(session, msgspec.structs.replace(first.setup, training=True)) is model
    wider = msgspec.structs.replace(setup, inputs=(InputSpec((1, 9)),))
    assert look(session, wider).totals.parameters == 20


def test_the_dtype_is_the_models_and_its_inputs(session: Session, write: Write) -> None:
    write("net.py", NET)
    inspection = look(session, Setup(target="net.py:Net", dtype="bfloat16"))
    assert inspection.failure is None
    assert inspection.inputs[0].dtype == "bfloat16"
    row = LayerTable(inspection.layers).row(0)
    assert row.dtype == "bfloat16"
    assert row.outputs is not None
    assert row.outputs[0].dtype == "bfloat16"


@pytest.mark.parametrize("dtype", ["int64", "floaty"])
def test_a_model_cannot_be_made_any_dtype(dtype: str, session: Session, write: Write) -> None:
    write("net.py", NET)
    error = refusal(session, Setup(target="net.py:Net", dtype=dtype))
    assert isinstance(error, BadInput)
    assert "float32" in error.hint


def test_a_mixed_model_says_so(session: Session, write: Write) -> None:
    write(
        "net.py",
        NET + "        \ndef make():\n    net = Net()\n    net.out.double()\n    return net",
    )
    first = look(session, Setup(target="net.py:make"))
    assert first.dtype == "mixed"
    assert first.failure is not None
    assert first.failure.where == "out"


# Moving: "meta" plays the other device, where a session lets it


@pytest.fixture
def _meta_can_be_moved_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a session move a model to meta, and with made-up values back again."""

    def move(session: Session, device: torch.device, progress: Any) -> None:
        if session._loaded is not None and device != session.device:
            session._loaded.model.to_empty(device=device)
            session._device = device

    monkeypatch.setattr(Session, "move", move)


@pytest.mark.usefixtures("_meta_can_be_moved_to")
def test_a_model_is_moved_and_looked_at_where_it_is(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    model = (look(session, setup), model_of(session, setup))[1]
    there = look(session, msgspec.structs.replace(setup, device="meta"))
    assert there.failure is None
    assert LayerTable(there.layers).row(0).device == "meta"
    assert model_of(session, setup) is model
    look(session, setup)
    assert session.device == CPU


@pytest.mark.usefixtures("_meta_can_be_moved_to")
def test_a_forward_that_fails_only_there_brings_the_model_back(
    session: Session, write: Write
) -> None:
    total = "self.out.weight.detach().numpy().sum()"
    write("net.py", NET.replace("return self.out(", f"return {total} + self.out("))
    setup = Setup(target="net.py:Net")
    look(session, setup)
    error = refusal(session, msgspec.structs.replace(setup, device="meta"))
    assert isinstance(error, DeviceError)
    assert error.message.startswith("the forward fails on meta: ")
    assert error.hint == "The model is back on cpu, where it runs."
    assert error.details
    assert session.device == CPU
    assert next(model_of(session, setup).parameters()).device == CPU


@pytest.mark.usefixtures("_meta_can_be_moved_to")
def test_a_look_that_is_stopped_after_the_move_brings_the_model_back(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)

    def stop(stage: str, fraction: float | None) -> None:
        if stage == "running one forward":
            raise Interrupted

    there = msgspec.structs.replace(setup, device="meta")
    with pytest.raises(Interrupted):
        session.inspect(there, reload=False, progress=stop)
    assert session.device == CPU
    assert next(model_of(session, setup).parameters()).device == CPU


@pytest.mark.usefixtures("_meta_can_be_moved_to")
def test_a_forward_that_failed_before_moving_just_fails_there_too(
    session: Session, write: Write
) -> None:
    write("net.py", NET.replace("nn.Linear(hidden, 2)", "nn.Linear(hidden + 1, 2)"))
    setup = Setup(target="net.py:Net")
    assert look(session, setup).failure is not None
    there = look(session, msgspec.structs.replace(setup, device="meta"))
    assert there.failure is not None
    assert session.device == META


STUCK = (
    NET
    + """
    def _apply(self, fn, recurse=True):
        self.fc._apply(fn)
        if {when}:
            raise {error}
        return super()._apply(fn, recurse)
"""
)


def stuck(when: str, error: str = "RuntimeError('no room')") -> str:
    return STUCK.format(when=when, error=error)


@pytest.fixture
def _known_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that passes for one of this machine's, and that no tensor can be moved to."""
    monkeypatch.setattr(session_module, "device_named", torch.device)


@pytest.mark.usefixtures("_known_device")
def test_a_model_that_cannot_be_moved_stays_and_says_why(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    model = model_of(session, setup)
    error = refusal(session, msgspec.structs.replace(setup, device="cuda:7"))
    assert isinstance(error, DeviceError)
    assert error.message.startswith("the model can't be moved to cuda:7: ")
    assert error.hint == "It stays on cpu."
    assert session.device == CPU
    assert look(session, setup).failure is None
    assert model_of(session, setup) is model


@pytest.mark.usefixtures("_known_device")
def test_a_model_that_can_be_moved_nowhere_is_built_anew(session: Session, write: Write) -> None:
    write("net.py", stuck("True"))
    setup = Setup(target="net.py:Net")
    look(session, setup)
    error = refusal(session, msgspec.structs.replace(setup, device="cuda:7"))
    assert isinstance(error, DeviceError)
    assert "built anew" in error.hint
    assert look(session, setup).failure is None


@pytest.mark.usefixtures("_known_device")
def test_a_move_that_is_interrupted_is_undone(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[torch.device] = []

    def to(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        moves.append(device)
        if len(moves) == 1:
            raise Interrupted
        return model

    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    monkeypatch.setattr(torch.nn.Module, "to", to)
    with pytest.raises(Interrupted):
        look(session, msgspec.structs.replace(setup, device="cuda:7"))
    assert [str(device) for device in moves] == ["cuda:7", "cpu"]
    assert session.device == CPU


def test_a_dtype_that_the_model_refuses_is_a_bad_input(session: Session, write: Write) -> None:
    write("net.py", stuck("True"))
    error = refusal(session, Setup(target="net.py:Net", dtype="float64"))
    assert isinstance(error, BadInput)
    assert "RuntimeError: no room" in error.message


def test_no_model_is_moved_to_meta(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    look(session, setup)
    error = refusal(session, msgspec.structs.replace(setup, device="meta"))
    assert isinstance(error, DeviceError)
    assert "its weights would be lost" in error.message
    assert session.device == CPU
    assert look(session, setup).failure is None


def test_a_model_built_on_meta_is_looked_at_there(session: Session, write: Write) -> None:
    write(
        "net.py",
        NET + "\ndef make():\n    with torch.device('meta'):\n        return Net(10**6)\n",
    )
    setup = Setup(target="net.py:make", device="meta")
    inspection = look(session, setup)
    assert inspection.failure is None
    assert inspection.totals.parameters == 4 * 10**6 + 10**6 + 2 * 10**6 + 2
    assert inspection.totals.mult_adds == 4 * 10**6 + 10**6 + 2 * 10**6 + 2
    error = refusal(session, msgspec.structs.replace(setup, device="cpu"))
    assert isinstance(error, DeviceError)
    assert error.hint.startswith("Use --device meta")


def test_a_model_without_tensors_is_nowhere_and_runs(session: Session, write: Write) -> None:
    write("net.py", "from torch import nn\nnet = nn.Sequential(nn.ReLU())\n")
    inspection = look(session, Setup(target="net.py:net", inputs=(InputSpec((1, 3)),)))
    assert inspection.failure is None
    row = LayerTable(inspection.layers).row(0)
    assert (row.device, row.dtype, row.total_parameters) == ("", "", 0)
    assert inspection.dtype == ""


# What else can happen


def test_a_bad_target_leaves_no_model_to_be_mistaken_for_it(session: Session, write: Write) -> None:
    write("net.py", NET)
    look(session, Setup(target="net.py:Net"))
    assert isinstance(refusal(session, Setup(target="net.py:Nett")), BadTarget)
    assert look(session, Setup(target="net.py:Net")).title == "Net"


def test_progress_tells_the_stages_and_can_stop_it_at_each(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    stages: list[str] = []
    session.inspect(setup, reload=True, progress=lambda stage, _: stages.append(stage))
    assert stages == [
        "loading net.py:Net",
        "looking for an input that fits",
        "running one forward",
        "asking torchinfo",
        "measuring memory",
    ]

    for stop in stages:

        def report(stage: str, fraction: float | None, stop: str = stop) -> None:
            if stage == stop:
                raise Cancelled("cancelled")

        with pytest.raises(Cancelled):
            session.inspect(setup, reload=True, progress=report)
        assert look(session, setup).failure is None


def test_three_hundred_levels_run_recorded(session: Session, write: Write) -> None:
    """Plain Python runs them, so the recorder's own frames must not be what is too many."""
    write(
        "net.py",
        """
from torch import nn

def make():
    net = nn.Linear(2, 2)
    for _ in range(300):
        net = nn.Sequential(net)
    return net
""",
    )
    inspection = look(session, Setup(target="net.py:make"))
    assert inspection.failure is None
    assert "deeper than" in inspection.torchinfo


def test_a_thousand_levels_and_a_cycle_are_looked_at(session: Session, write: Write) -> None:
    write(
        "net.py",
        """
from torch import nn

def deep():
    net = nn.Linear(2, 2)
    for _ in range(1000):
        net = nn.Sequential(net)
    return net

class Round(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.fc.up = nn.ModuleList([self])

    def forward(self, x):
        return self.fc(x)
""",
    )
    inspection = look(session, Setup(target="net.py:deep"))
    assert inspection.totals.modules == 1001
    assert inspection.totals.parameters == 6
    inspection = look(session, Setup(target="net.py:Round"))
    assert inspection.failure is None
    assert inspection.totals.parameters == 6
    assert inspection.totals.modules == 3


def test_a_look_holds_none_of_its_tensors_whether_the_forward_returned_or_raised(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing collects garbage for want of a GPU's memory, and the next look may need it."""
    seen: list[weakref.ref[torch.Tensor]] = []
    monkeypatch.setattr("builtins.seen", seen, raising=False)
    write(
        "net.py",
        """
import builtins, weakref, torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(64, 32), nn.Sigmoid(), nn.Linear(32, 8))

    def forward(self, x):
        for layer in self:
            builtins.seen.append(weakref.ref(x))
            x = layer(x)
        if len(x) == 5:
            raise torch.OutOfMemoryError("full")
        return x
""",
    )
    gc.disable()
    try:
        for inputs in ((InputSpec((2, 64)),), (InputSpec((5, 64)),), ()):
            inspection = look(session, Setup(target="net.py:Net", inputs=inputs))
            assert (inspection.failure is not None) == (inspection.inputs[0].shape[0] == 5)
            assert not [each for each in seen if each() is not None]
    finally:
        gc.enable()
    assert len(seen) > 12
