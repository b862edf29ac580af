"""What only a machine with an accelerator can show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
import torch

from nninspect.bench.run import bench
from nninspect.engine.devices import accelerators
from nninspect.engine.session import Session
from nninspect.protocol.bench import BenchRow
from nninspect.protocol.bench_plan import BenchPlan, BenchProgress
from nninspect.protocol.records import InputSpec, Setup

Write = Callable[[str, str], Path]

pytestmark = pytest.mark.gpu

SIZE, BATCH = 4096, 1024

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4096, 4096)

    def forward(self, x):
        if len(x) == 2000:
            torch.empty(10**13, device=x.device)
        for _ in range(8):
            x = self.fc(x)
        return x
"""


@pytest.fixture
def accelerator() -> torch.device:
    found = accelerators()
    if not found:
        pytest.skip("no accelerator")
    return torch.device(found[0].name)


def quiet(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
    return


def rows(session: Session, *batches: int, devices: tuple[str, ...]) -> tuple[BenchRow, ...]:
    plan = BenchPlan(devices=devices, batches=batches, modes=("inference",), quick=True)
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, SIZE)),))
    return bench(session, setup, plan, quiet).rows


def plain_event_median(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of a call between two events, the plain way."""
    taken = []
    for _ in range(60):
        start, end = (torch.Event(device, enable_timing=True) for _ in range(2))
        torch.accelerator.synchronize(device)
        start.record()
        call()
        end.record()
        torch.accelerator.synchronize(device)
        taken.append(start.elapsed_time(end) / 1e3)
    return median(taken[10:])


def test_the_device_time_is_that_of_a_plain_loop_over_events(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    (row,) = rows(session, BATCH, devices=(str(accelerator),))
    assert row.accelerator is not None
    if row.accelerator.device_s is None:
        pytest.skip("this device has no events that tell time")
    fc = torch.nn.Linear(SIZE, SIZE, device=accelerator)
    x = torch.randn(BATCH, SIZE, device=accelerator)

    def call() -> None:
        out = x
        for _ in range(8):
            out = fc(out)

    with torch.inference_mode():
        expected = plain_event_median(call, accelerator)
    assert row.accelerator.device_s == pytest.approx(expected, rel=0.05)


def test_the_device_time_is_that_of_tritons_own_benchmark(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    """`do_bench` clears the L2 cache before each call, so the weights here are larger than that."""
    testing = pytest.importorskip("triton.testing")
    if accelerator.type != "cuda":
        pytest.skip("triton's benchmark times CUDA")
    write("net.py", NET)
    (row,) = rows(session, BATCH, devices=(str(accelerator),))
    assert row.accelerator is not None
    assert row.accelerator.device_s is not None
    fc = torch.nn.Linear(SIZE, SIZE, device=accelerator)
    x = torch.randn(BATCH, SIZE, device=accelerator)

    def call() -> None:
        out = x
        for _ in range(8):
            out = fc(out)

    with torch.inference_mode(), torch.cuda.device(accelerator):
        expected = testing.do_bench(call, return_mode="median") / 1e3
    assert 0.95 <= row.accelerator.device_s / expected <= 1.05


def test_a_large_product_is_bound_by_its_products_and_no_faster_than_the_limit(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    plan = BenchPlan(
        devices=(str(accelerator),), batches=(8 * BATCH,), modes=("inference",), quick=True
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, SIZE)),))
    result = bench(session, setup, plan, quiet)
    (row,), (limits,) = result.rows, result.limits
    assert row.work is not None
    assert row.work.flops == 2 * 8 * 8 * BATCH * SIZE * (SIZE + 1)
    assert row.work.bound == "compute-bound"
    assert row.work.achieved_flops_per_s < 1.2 * limits.flops_per_s


def test_the_largest_batch_fits_and_two_percent_more_does_not(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    module = getattr(torch, accelerator.type)
    if not hasattr(module, "mem_get_info"):
        pytest.skip("this device does not tell what is free")
    width = 2**14
    layers = f"nn.Linear(64, {width}), nn.ReLU(), nn.Linear({width}, 8)"
    write("wide.py", f"from torch import nn\nnet = nn.Sequential({layers})\n")
    plan = BenchPlan(
        devices=(str(accelerator),),
        batches=(1,),
        modes=("inference",),
        quick=True,
        largest_batch=True,
    )
    setup = Setup(target="wide.py:net", inputs=(InputSpec((1, 64)),))
    before = module.memory_allocated(accelerator)
    (found,) = bench(session, setup, plan, quiet).largest
    assert found.batch is not None
    assert found.attempts <= 12
    assert found.too_large is None or found.too_large <= 1.03 * found.batch
    free, _ = module.mem_get_info(accelerator)
    assert 2 * 4 * width * found.batch > 0.7 * free, "the activation before and after the ReLU"
    assert module.memory_allocated(accelerator) <= before + 64 * 2**20


def test_transfers_and_device_time_add_up_to_the_whole(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    (row,) = rows(session, 8 * BATCH, devices=(str(accelerator),))
    parts = row.accelerator
    assert parts is not None
    if parts.device_s is None or "launch-bound" in parts.bounds:
        pytest.skip("an event span is not busy time here")
    total = parts.h2d_s + parts.device_s + parts.d2h_s
    assert total == pytest.approx(parts.end_to_end_s, rel=0.05)


def test_after_out_of_memory_its_memory_is_free_and_the_others_go_on(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    module = getattr(torch, accelerator.type)
    if not hasattr(module, "memory_allocated"):
        pytest.skip("this device does not count its memory")
    write("net.py", NET)
    rows(session, 2, devices=(str(accelerator),))  # libraries keep a workspace from here on
    before = module.memory_allocated(accelerator)
    full, fits = rows(session, 2000, 2, devices=(str(accelerator),))
    assert full.error is not None
    assert (full.error.kind, full.error.stage) == ("OutOfMemory", "first call")
    assert fits.error is None
    assert module.memory_allocated(accelerator) == before


def test_a_large_product_agrees_and_its_peak_holds_weights_and_activations(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    write("net.py", NET)
    _, row = rows(session, BATCH, devices=("cpu", str(accelerator)))
    assert row.agreement is not None
    assert row.agreement.agrees
    assert row.memory is not None
    peak = row.memory.peak_allocated_bytes
    weights, activation = 4 * SIZE * (SIZE + 1), 4 * BATCH * SIZE
    assert peak is None or weights + 2 * activation <= peak < 2 * (weights + 3 * activation)
    assert session.device == torch.device("cpu")
