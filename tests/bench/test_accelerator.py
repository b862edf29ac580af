"""What only a machine with an accelerator can show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
import torch

from nninspect.bench.backend import backend_of
from nninspect.bench.machine import machine
from nninspect.bench.nvml import driver_version
from nninspect.bench.run import bench
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


def quiet(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
    return


def rows(session: Session, *batches: int, devices: tuple[str, ...]) -> tuple[BenchRow, ...]:
    plan = BenchPlan(
        devices=devices, batches=batches, modes=("inference",), quick=True, max_time_s=8.0
    )
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
    large = module.mem_get_info(accelerator)[0] // 3 // (2 * 4 * width)
    plan = BenchPlan(
        devices=(str(accelerator),),
        batches=(1, large),  # torch keeps what this takes, and that is no less room
        modes=("inference",),
        quick=True,
        max_time_s=8.0,
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
    assert module.memory_allocated(accelerator) <= before + 128 * 2**20


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
    spread = sum(each.high_s - each.low_s for each in parts.intervals) / 2
    assert total == pytest.approx(parts.end_to_end_s, rel=0.05, abs=spread)


BIG = """
import torch
from torch import nn

class Big(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2**28))

    def forward(self, x):
        return (x + self.weight[: 2**15]).mean(1)
"""


def test_the_largest_batch_of_a_mode_has_no_copy_of_the_model_beside_its_own(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    if backend_of(accelerator).peak() is None:
        pytest.skip("this device does not count its memory")
    write("big.py", BIG)
    limit, weights, sample = 2**32, 4 * 2**28, 4 * 2**15
    plan = BenchPlan(
        devices=(str(accelerator),),
        batches=(1,),
        modes=("inference", "float16"),
        quick=True,
        max_time_s=5.0,
        largest_batch=True,
        memory_limit_bytes=limit,
    )
    setup = Setup(target="big.py:Big", inputs=(InputSpec((1, 1)),))
    plain, half = bench(session, setup, plan, quiet).largest
    assert plain.limit_bytes == half.limit_bytes == limit
    assert plain.batch == pytest.approx((limit - weights) / sample, rel=0.05)
    assert half.batch == pytest.approx((limit - weights / 2) / (sample / 2), rel=0.05)


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


def test_where_it_overtakes_the_cpu_is_found_resident_and_with_transfers(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    layers = ", ".join(["nn.Linear(1024, 1024)"] * 8)
    write("deep.py", f"from torch import nn\nnet = nn.Sequential({layers})\n")
    plan = BenchPlan(devices=("cpu", str(accelerator)), crossover=True, quick=True, max_time_s=15.0)
    setup = Setup(target="deep.py:net", inputs=(InputSpec((1, 1024)),))
    result = bench(session, setup, plan, quiet)
    assert [row.error for row in result.rows] == [None] * len(result.rows)
    resident, whole = result.crossovers
    assert [resident.with_transfers, whole.with_transfers] == [False, True]
    assert resident.checked
    there = [row for row in result.rows if row.key.device == str(accelerator)]
    assert all(row.compare and row.compare_with_transfers for row in there)
    assert all(row.agreement and row.agreement.agrees for row in there)


def test_the_driver_tells_clock_and_heat_of_the_gpu_that_torch_has(
    accelerator: torch.device,
) -> None:
    pytest.importorskip("pynvml")
    if accelerator.type != "cuda" or torch.version.hip:
        pytest.skip("NVML is of NVIDIA's")
    if driver_version() is None:
        pytest.skip("the driver's library is not to be had here, as in some containers")
    torch.ones(1, device=accelerator)
    found = backend_of(accelerator).health()
    assert found.clock_hz is not None
    assert 100e6 < found.clock_hz < 5e9
    assert found.temp_c is None or 10 < found.temp_c < 110
    (gpu, *_) = machine(1).gpus
    assert gpu.clock_max_hz is not None
    assert gpu.clock_max_hz >= found.clock_hz * 0.99
    assert gpu.mig is not None


def test_several_gpus_are_each_timed_captured_and_compiled_for_themselves(
    session: Session, write: Write, accelerator: torch.device
) -> None:
    if accelerator.type != "cuda" or torch.cuda.device_count() < 2:
        pytest.skip("there are no two GPUs")
    write("net.py", NET)
    plan = BenchPlan(
        devices=("cuda:1", "cuda:0"),
        batches=(64,),
        modes=("inference", "cudagraph", "compile"),
        quick=True,
        max_time_s=15.0,
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, SIZE)),))
    found = bench(session, setup, plan, quiet).rows
    for row in found:
        assert row.error is None or row.error.kind == "NotHere", row.key
        assert row.agreement is None or row.agreement.agrees, row.key
        if row.error is None:
            assert row.memory is not None
            assert (row.memory.peak_allocated_bytes or 0) > 4 * SIZE * SIZE
    assert torch.cuda.current_device() == 0
