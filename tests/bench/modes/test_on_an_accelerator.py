"""Every mode as a row on a real accelerator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from nninspect.bench.run import bench
from nninspect.engine.session import Session
from nninspect.protocol.bench import BenchRow
from nninspect.protocol.bench_plan import BenchPlan, BenchProgress
from nninspect.protocol.records import InputSpec, Setup

pytestmark = pytest.mark.gpu

MODES = (
    *("inference", "cudagraph", "compile", "channels_last"),
    *("float16", "bfloat16", "autocast=float16", "autocast=bfloat16", "train"),
)
NET = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self, waits=False):
        super().__init__()
        self.waits = waits
        self.conv = nn.Conv2d(16, 64, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(6))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.conv(x).relu()
        for layer in self.layers:
            x = x + layer(x).relu()
        x = F.dropout(x, 0.1, self.training)
        if self.waits:
            x = x / x.abs().max().item()
        return self.fc(x.mean((2, 3)))
"""


def quiet(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
    return


def rows(
    session: Session, device: torch.device, modes: tuple[str, ...], target: str = "net.py:Net"
) -> dict[str, BenchRow]:
    plan = BenchPlan(
        devices=(str(device),), batches=(32,), modes=modes, quick=True, max_time_s=12.0
    )
    setup = Setup(target=target, inputs=(InputSpec((1, 16, 32, 32)),))
    return {row.key.mode: row for row in bench(session, setup, plan, quiet).rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("models")
    path.joinpath("net.py").write_text(NET)
    path.joinpath("waits.py").write_text(NET.replace("waits=False", "waits=True"))
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path)
        yield path


@pytest.fixture(scope="module")
def found(folder: Path, accelerator: torch.device) -> dict[str, BenchRow]:
    """All of them interleaved in one run: compiling takes most of its time."""
    session = Session()
    try:
        return rows(session, accelerator, MODES)
    finally:
        session.drop()


Found = dict[str, BenchRow]


def ran(found: Found, mode: str) -> BenchRow:
    row = found[mode]
    if row.error is not None and row.error.kind == "NotHere":
        pytest.skip(row.error.message)
    assert row.error is None
    return row


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_times_and_computes_what_inference_does(found: Found, mode: str) -> None:
    row = ran(found, mode)
    assert row.latency is not None
    assert row.accelerator is not None
    assert row.accelerator.device_s is None or 0 < row.accelerator.device_s < 1
    if mode in ("inference", "train"):
        assert row.agreement is None
    else:
        assert row.agreement is not None
        assert row.agreement.agrees, row.agreement.max_error


def test_a_latency_is_no_shorter_than_what_the_device_takes_for_it(found: Found) -> None:
    for mode in MODES:
        row = found[mode]
        if row.error is None and row.latency and row.accelerator and row.accelerator.device_s:
            assert row.latency.median_s > 0.8 * row.accelerator.device_s, mode


def test_a_graph_is_replayed_with_one_launch_and_holds_what_inference_holds(found: Found) -> None:
    graph, plain = ran(found, "cudagraph"), ran(found, "inference")
    assert graph.config.engine == "cudagraph"
    assert graph.accelerator is not None
    assert plain.accelerator is not None
    assert graph.accelerator.enqueue_s < plain.accelerator.enqueue_s
    assert graph.memory is not None
    assert plain.memory is not None
    peaks = graph.memory.peak_allocated_bytes, plain.memory.peak_allocated_bytes
    assert peaks[0] is not None
    assert peaks[1] is not None
    assert peaks[0] >= 0.9 * peaks[1]


def test_a_compiled_row_says_what_compiled_it_and_how_long_that_took(found: Found) -> None:
    row = ran(found, "compile")
    assert row.config.engine == "inductor"
    assert row.cold is not None
    assert (row.cold.compile_s or 0) > 0.1


def test_half_the_width_is_half_the_weights(found: Found) -> None:
    half, plain = ran(found, "float16"), ran(found, "inference")
    assert half.memory is not None
    assert plain.memory is not None
    if half.memory.peak_allocated_bytes is None or plain.memory.peak_allocated_bytes is None:
        pytest.skip("this device does not count its memory")
    assert half.memory.peak_allocated_bytes < plain.memory.peak_allocated_bytes


def test_a_training_step_is_told_in_parts_that_make_up_the_whole(found: Found) -> None:
    row = ran(found, "train")
    assert row.train is not None
    assert row.latency is not None
    parts = row.train.forward_s + row.train.backward_s + row.train.optimizer_s
    assert 0.7 * row.latency.median_s < parts < 2 * row.latency.median_s


def test_layers_are_timed_by_events_and_are_no_more_than_the_whole(found: Found) -> None:
    layers = ran(found, "inference").layers
    if layers is None:
        pytest.skip("this device has no events that tell time")
    whole = sum(each.self_s for each in layers.layers) + layers.unattributed_s
    (root,) = (each for each in layers.layers if each.path == "")
    assert root.total_s <= 1.001 * whole
    assert min(each.self_s for each in layers.layers) > -0.01 * whole


def test_a_forward_that_waits_is_no_graph_and_spoils_no_row_after_it(
    folder: Path, accelerator: torch.device
) -> None:
    """Dropout in a training step asks for the random state that a broken capture leaves behind."""
    if accelerator.type != "cuda":
        pytest.skip("CUDA graphs are of CUDA")
    session = Session()
    found = rows(session, accelerator, ("cudagraph", "train"), "waits.py:Net")
    session.drop()
    error = found["cudagraph"].error
    assert error is not None
    assert (error.kind, error.stage) == ("NotHere", "prepare")
    assert f"its forward waits for {accelerator}, and a graph can't: waits.py" in error.message
    assert found["train"].error is None
    assert torch.cuda.get_sync_debug_mode() == 0


def test_a_graph_gives_its_memory_back(folder: Path, accelerator: torch.device) -> None:
    if accelerator.type != "cuda":
        pytest.skip("CUDA graphs are of CUDA")
    session = Session()
    for _ in range(2):  # libraries keep a workspace from the first on
        before = torch.cuda.memory_reserved(accelerator)
        ran(rows(session, accelerator, ("cudagraph",)), "cudagraph")
    session.drop()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved(accelerator) <= before + 2**21


def test_outputs_in_tf32_are_held_to_its_limit(folder: Path, accelerator: torch.device) -> None:
    if accelerator.type != "cuda" or torch.version.hip:
        pytest.skip("TF32 is of NVIDIA's")
    if torch.cuda.get_device_properties(accelerator).major < 8:
        pytest.skip("this GPU has no TF32")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    session = Session()
    plan = BenchPlan(devices=("cpu", str(accelerator)), batches=(8,), quick=True, max_time_s=8.0)
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, 16, 32, 32)),))
    try:
        result = bench(session, setup, plan, quiet)
    finally:
        torch.set_float32_matmul_precision(before)
        session.drop()
    assert result.machine.tf32 is True
    _, row = result.rows
    assert row.agreement is not None
    assert row.agreement.limit == 5e-3
    assert row.agreement.agrees, row.agreement.max_error
