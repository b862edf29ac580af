"""What only a machine with an accelerator can show of a look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from nninspect.engine.lost_device import lost, waiting_for
from nninspect.engine.session import Session
from nninspect.errors import DeviceError
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Mark
from nninspect.protocol.memory import Fit, fit
from nninspect.protocol.records import InputSpec, Inspection, Setup

Write = Callable[..., Path]

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.act, self.narrow = nn.Linear(64, 1024), nn.Sigmoid(), nn.Linear(1024, 8)

    def forward(self, x):
        x = self.act(self.wide(x))
        if len(x) == 5:
            x = x + torch.ones(1024)
        if len(x) == 7:
            x = x + torch.from_numpy(x.numpy())
        if len(x) == 4096:
            held = [torch.empty(2**28, device=x.device) for _ in range(2**12)]
        return self.narrow(x)
"""


def look(session: Session, device: torch.device | str, batch: int) -> Inspection:
    setup = Setup(target="net.py:Net", inputs=(InputSpec((batch, 64)),), device=str(device))
    return session.inspect(setup, reload=False, progress=lambda stage, fraction: None)


def test_a_model_goes_to_the_accelerator_and_back(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    for device in ("cpu", accelerator, "cpu", accelerator):
        inspection = look(session, device, 2)
        assert inspection.failure is None
        assert LayerTable(inspection.layers).row(0).device == str(device)
        assert session.device == torch.device(device)
    assert inspection.memory is not None
    if accelerator.type == "cuda":
        assert inspection.memory.free is not None
        needed = inspection.memory.inference - inspection.memory.held
        assert fit(needed, inspection.memory.free) is Fit.YES


def test_it_has_the_same_rows_there_as_on_the_cpu(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    here, there = (look(session, device, 2) for device in ("cpu", accelerator))

    def shapes(inspection: Inspection) -> list[Any]:
        return [(r.path, r.inputs, r.outputs, r.mult_adds) for r in LayerTable(inspection.layers)]

    assert shapes(here) == shapes(there)


def test_each_step_of_a_recorded_forward_waits_for_the_accelerator(
    accelerator: torch.device,
) -> None:
    wait = waiting_for(accelerator)
    assert wait is not None
    wait()
    assert lost(accelerator) == ""


def test_a_forward_that_fails_only_on_the_accelerator_brings_it_back(
    session: Session, accelerator: torch.device
) -> None:
    """The layers in a Python list stay on the CPU."""

    def told(setup: Setup) -> Inspection:
        return session.inspect(setup, reload=False, progress=lambda stage, fraction: None)

    here = told(Setup(target="broken-python-list"))
    with pytest.raises(DeviceError, match=f"the forward fails on {accelerator}"):
        told(replace(here.setup, device=str(accelerator)))
    assert session.device == CPU


def test_a_tensor_made_on_the_cpu_is_told_at_the_op_it_meets(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    inspection = look(session, accelerator, 5)
    assert inspection.failure is not None
    assert "device=x.device" in inspection.failure.hint
    assert "x = x + torch.ones(1024)" in inspection.failure.message
    rows = {row.path: row for row in LayerTable(inspection.layers)}
    assert rows["act"].outputs is not None
    assert rows["narrow"].outputs is None


def test_numpy_of_a_tensor_there_says_how_it_comes_to_the_cpu(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    inspection = look(session, accelerator, 7)
    assert inspection.failure is not None
    assert "x.cpu().numpy()" in inspection.failure.hint


def test_after_out_of_memory_the_memory_is_free_and_the_next_look_fine(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    """A gibibyte at a time, so that it is really full when it fails."""
    module = getattr(torch, accelerator.type)
    if not hasattr(module, "memory_allocated") or not hasattr(module, "mem_get_info"):
        pytest.skip("this device does not count its memory")
    write("net.py", NET)
    look(session, accelerator, 2)
    before = module.memory_allocated(accelerator)
    full = look(session, accelerator, 4096)
    assert full.failure is not None
    assert "smaller batch" in full.failure.hint
    assert "torch.empty(2**28" in full.failure.message
    rows = {row.path: row for row in LayerTable(full.layers)}
    assert rows["act"].outputs is not None
    assert not rows["act"].marks & Mark.FAILED
    assert module.memory_allocated(accelerator) <= before + 2**20
    assert look(session, accelerator, 2).failure is None
    look(session, "cpu", 2)
    free, _ = module.mem_get_info(accelerator)
    assert free > 2**30, "none of it is kept from others"
