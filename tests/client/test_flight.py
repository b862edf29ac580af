"""A forward that ends its process, or never ends, is shown up to the call that it was in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nninspect.client import api
from nninspect.errors import Cancelled, WorkerDied
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.dry_run import Rung
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import LayerRow, Mark
from nninspect.protocol.records import Environment, InputSpec, Inspection, Setup

FILE = """
import os, re, signal, sys, time
import torch
from torch import nn
from torch.nn import functional as F

class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(x)

class Deadly(Layer):
    def forward(self, x):
        x = self.fc(x)
        {}
        return x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = Layer(), Layer(), Deadly(), Layer()

    def forward(self, x):
        x = F.relu(self.a(x))
        x = self.b(x)
        x = self.c(x)
        return self.d(x)
"""

HANGS_IN_C = 're.match(r"(a+)+$", "a" * 60 + "b")'


@pytest.fixture
async def real(
    connect: Callable[..., Awaitable[Any]],
    warm_worker: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A started worker with the real engine, in the folder that `net` writes to."""
    monkeypatch.chdir(tmp_path)
    return await connect(command=warm_worker, grace_s=1)


def net(deadly: str) -> None:
    """`net.py`, whose third layer does that after its `fc`."""
    Path("net.py").write_text(FILE.replace("{}", deadly))


def rows_of(inspection: Inspection) -> dict[str, LayerRow]:
    return {row.path: row for row in LayerTable(inspection.layers)}


def failed(inspection: Inspection) -> list[str]:
    return [path for path, row in rows_of(inspection).items() if row.marks & Mark.FAILED]


def assert_is_seen_up_to_the_third_layer(inspection: Inspection) -> None:
    rows = rows_of(inspection)
    assert inspection.failure is not None
    assert inspection.failure.where == "c"
    assert failed(inspection) == ["c"]
    for path in ("a", "a.fc", "relu", "b", "b.fc", "c.fc"):
        outputs = rows[path].outputs
        assert outputs, path
    assert rows["c"].inputs
    assert rows["c"].outputs is None
    assert rows["d"].inputs is None


@pytest.mark.parametrize(
    ("deadly", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV (segmentation fault)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL: most often out of memory"),
        ("os._exit(3)", "exited with code 3"),
    ],
)
async def test_the_tree_ends_at_the_call_that_the_process_died_in(
    real: Any, deadly: str, said: str
) -> None:
    net(deadly)
    inspection = await real.inspect("net.py:Net")
    assert_is_seen_up_to_the_third_layer(inspection)
    failure = inspection.failure
    assert failure.kind == "WorkerDied"
    assert failure.message.startswith("the process ")
    assert said in failure.message
    assert "(after net.py:17 in forward: x = self.fc(x))" in failure.message
    assert len(real.heard(api.Starting)) == 2
    assert real.heard(api.Died) == []
    assert f"{said.split()[0]}" in real.text
    assert "looking again" in real.text


async def test_a_call_that_dies_in_its_first_line_is_the_one_that_is_marked(real: Any) -> None:
    net("pass")
    Path("net.py").write_text(Path("net.py").read_text().replace("x = self.fc(x)", "os._exit(3)"))
    inspection = await real.inspect("net.py:Net")
    assert failed(inspection) == ["c"]
    assert "net.py:29 in forward: x = self.c(x)" in inspection.failure.message


async def test_a_death_with_a_given_input_is_found_without_a_try(real: Any) -> None:
    net("os._exit(3)")
    setup = Setup(target="net.py:Net", inputs=(InputSpec((2, 4)),))
    inspection = await real.connection.inspect(setup)
    assert_is_seen_up_to_the_third_layer(inspection)
    assert rows_of(inspection)["a"].inputs[0].shape == (2, 4)


async def test_a_death_in_a_functional_call_marks_that(real: Any) -> None:
    net("x = F.softmax(x, Bomb())")
    bomb = "class Bomb:\n    def __index__(self): os._exit(3)\n"
    Path("net.py").write_text(Path("net.py").read_text() + bomb)
    inspection = await real.inspect("net.py:Net")
    assert failed(inspection) == ["c", "c.softmax"]
    assert "net.py:18 in forward: x = F.softmax(x, Bomb())" in inspection.failure.message


@pytest.mark.parametrize("deadly", ["time.sleep(600)", HANGS_IN_C])
async def test_a_forward_that_hangs_is_shown_up_to_there_when_it_is_cancelled(
    real: Any, deadly: str
) -> None:
    net(f"print('hanging', flush=True); {deadly}")
    request = asyncio.ensure_future(real.inspect("net.py:Net"))
    await real.until(lambda: "hanging" in real.text)
    real.connection.cancel(trace=True)
    inspection = await request
    assert_is_seen_up_to_the_third_layer(inspection)
    assert inspection.failure.kind == "Cancelled"
    assert inspection.failure.message.startswith("cancelled: the forward did not return within")


LOST = """
import nninspect.engine.lost_device as ours
ours.lost = lambda device, wait=None: "CUDA error: device-side assert triggered"
raise RuntimeError("CUDA error: device-side assert triggered")
"""
"""What a failed assertion on a GPU does to a process, on a machine that has none."""


async def test_a_device_that_is_lost_ends_the_process_and_a_new_one_shows_where(real: Any) -> None:
    net(f"exec({LOST!r})")
    inspection = await real.inspect("net.py:Net")
    assert_is_seen_up_to_the_third_layer(inspection)
    failure = inspection.failure
    assert failure.message == (
        "the process had to end: cpu can't be used any more: CUDA error: device-side assert "
        "triggered (after net.py:17 in forward: x = self.fc(x))"
    )
    assert failure.hint == "An index out of range, most often: --device cpu says which."
    assert len(real.heard(api.Starting)) == 2


async def test_a_benchmark_goes_on_in_a_new_process_without_what_a_device_was_lost_in(
    real: Any,
) -> None:
    """In the old one every later row would have failed, for no fault of its own."""
    net(f"if len(x) == 8: exec({LOST!r})")
    plan = BenchPlan(
        devices=("cpu",), batches=(2, 8, 4), modes=("inference",), quick=True, max_time_s=1.0
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((2, 4)),))
    small, lost, middle = (await real.connection.bench(setup, plan)).rows
    assert small.error is None
    assert middle.error is None
    assert lost.latency is None
    assert (lost.error.kind, lost.error.stage) == ("Died", "first call")
    assert "can't be used any more: CUDA error: device-side assert" in lost.error.message
    assert lost.error.hint == "An index out of range, most often: --device cpu says which."
    assert len(real.heard(api.Starting)) == 2


async def test_an_embedding_that_a_device_was_lost_in_says_what_it_takes(real: Any) -> None:
    net("x = self.e(x.long())")
    text = Path("net.py").read_text().replace("class Deadly(Layer):", DEADLY_EMBEDDING)
    Path("net.py").write_text(text)
    inspection = await real.inspect("net.py:Net")
    assert failed(inspection) == ["c.e"]
    assert inspection.failure.hint.startswith("c.e (Embedding) takes indices from 0 to")


DEADLY_EMBEDDING = f"""
class Deadly(Layer):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(7, 4)
        self.e.register_forward_hook(lambda module, args, out: exec({LOST!r}))
"""


async def test_a_death_that_only_values_lead_to_ends_the_real_rung_of_a_dry_run(real: Any) -> None:
    """The forwards without values go as far as they went before."""
    net("x.detach().numpy(); open('died', 'a').write('x'); os._exit(3)")
    inspection = await real.connection.inspect(Setup(target="net.py:Net", device="meta"))
    assert_is_seen_up_to_the_third_layer(inspection)
    assert "exited with code 3" in inspection.failure.message
    assert inspection.dry_run.rung is Rung.REAL
    assert all("numpy" in why for why in inspection.dry_run.left)
    assert Path("died").read_text() == "x"
    assert len(real.heard(api.Starting)) == 2


async def test_a_cancel_that_wants_no_trace_gets_none(real: Any) -> None:
    net("print('hanging', flush=True); time.sleep(600)")
    request = asyncio.ensure_future(real.inspect("net.py:Net"))
    await real.until(lambda: "hanging" in real.text)
    real.connection.cancel(trace=True)
    real.connection.cancel()
    with pytest.raises(Cancelled):
        await request
    assert len(real.heard(api.Starting)) == 1


async def test_a_death_outside_of_a_forward_is_reported_at_once(real: Any) -> None:
    net("pass")
    Path("net.py").write_text(Path("net.py").read_text() + "os._exit(7)")
    with pytest.raises(WorkerDied, match="exited with code 7"):
        await real.inspect("net.py:Net")
    assert len(real.heard(api.Starting)) == 1


async def test_a_forward_that_dies_elsewhere_the_second_time_ends_there(real: Any) -> None:
    """One repetition a stage: a model that dies at random must not be run for ever."""
    net("open('again', 'x').close() if not os.path.exists('again') else None; os._exit(3)")
    text = (
        Path("net.py")
        .read_text()
        .replace(
            "x = F.relu(self.a(x))",
            "os.path.exists('again') and os._exit(4); x = F.relu(self.a(x))",
        )
    )
    Path("net.py").write_text(text)
    with pytest.raises(WorkerDied, match="exited with code 4"):
        await real.connection.inspect(Setup(target="net.py:Net", inputs=(InputSpec((2, 4)),)))
    assert len(real.heard(api.Starting)) == 2


async def test_a_death_while_torchinfo_runs_leaves_its_figures_out(real: Any) -> None:
    net("'torchinfo' in sys.modules and os._exit(3)")
    inspection = await real.inspect("net.py:Net")
    assert inspection.failure is None
    assert inspection.torchinfo.startswith("torchinfo was skipped: under it the process exited")
    assert rows_of(inspection)["d"].outputs


async def test_a_death_in_training_mode_leaves_only_its_memory_out(real: Any) -> None:
    net("self.training and os._exit(3)")
    inspection = await real.inspect("net.py:Net")
    assert inspection.failure is None
    assert inspection.memory is not None
    assert inspection.memory.kept_activations is None


INDEXED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.e = nn.Linear(4, 4), nn.Embedding(7, 4)

    def forward(self, x):
        x = self.first(x)
        return self.e(x.abs().long() + (7 if len(x) == 8 else 0))
"""
"""At batch 8 its indices are beyond the table, which a GPU tells late."""


@pytest.fixture
async def gpu(real: Any) -> str:
    Path("net.py").write_text(INDEXED)
    found = await environment(real)
    if "cuda:0" not in {device.name for device in found.devices}:
        pytest.skip(f"no GPU: {found.no_accelerator}")
    return "cuda:0"


@pytest.mark.gpu
async def test_an_index_out_of_range_on_a_gpu_is_told_at_its_embedding(real: Any, gpu: str) -> None:
    """It fails late there, and takes the process along."""
    setup = Setup(target="net.py:Net", inputs=(InputSpec((8, 4)),), device=gpu)
    inspection = await real.connection.inspect(setup)
    assert failed(inspection) == ["e"]
    assert "device-side assert" in inspection.failure.message
    assert inspection.failure.hint.startswith("e (Embedding) takes indices from 0 to")
    again = msgspec.structs.replace(setup, device="cpu")
    assert (await real.connection.inspect(again)).failure.kind == "ForwardFailed"
    fine = msgspec.structs.replace(setup, inputs=(InputSpec((2, 4)),))
    assert (await real.connection.inspect(fine)).failure is None


@pytest.mark.gpu
async def test_an_index_out_of_range_is_one_row_of_a_benchmark_on_a_gpu(
    real: Any, gpu: str
) -> None:
    plan = BenchPlan(
        devices=("cpu", gpu), batches=(2, 8, 4), modes=("inference",), quick=True, max_time_s=6.0
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((2, 4)),))
    rows = (await real.connection.bench(setup, plan)).rows
    kinds = {row.key.device + f" {row.key.batch}": row.error and row.error.kind for row in rows}
    assert kinds == {
        **{f"{device} {batch}": None for device in ("cpu", gpu) for batch in (2, 4)},
        "cpu 8": "Failed",
        f"{gpu} 8": "Died",
    }
    lost = next(row for row in rows if (row.key.device, row.key.batch) == (gpu, 8))
    assert "device-side assert" in lost.error.message


async def environment(real: Any) -> Environment:
    await real.until(lambda: real.connection.environment is not None)
    found: Environment = real.connection.environment
    return found
