"""A benchmark by its plan, and the model afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nninspect.bench import run
from nninspect.bench.backend import AcceleratorBackend, CpuBackend, backend_of
from nninspect.bench.run import bench, missing_device, planned_devices
from nninspect.engine.session import Session
from nninspect.errors import BadInput, BadTarget, Cancelled, DeviceError
from nninspect.protocol.records import BenchPlan, BenchResult, Device, InputSpec, Setup

Write = Callable[[str, str], Path]

CPU = torch.device("cpu")

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        if len(x) == 13:
            raise RuntimeError("13 is too many")
        if len(x) == 14:
            raise SystemExit(3)
        if len(x) == 15:
            return torch.empty(10**16)
        return self.norm(self.fc(x))
"""


@pytest.fixture(autouse=True)
def _no_time_passes(
    monkeypatch: pytest.MonkeyPatch, device: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    """Every forward takes a quarter of a second of a clock that only it moves."""
    if "gpu" in request.keywords:
        return

    class Played:
        """Only the clock is played; the forward is the model's."""

        def __init__(self) -> None:
            self.time = 0.0
            self.synchronized = 0

        def now(self) -> float:
            return self.time

        def synchronize(self) -> None:
            self.synchronized += 1
            self.time += 0.125

        def reset_peak_memory(self) -> None:
            return

        def peak_memory(self) -> int | None:
            return None

    monkeypatch.setattr(run, "backend_of", lambda device: Played())


def quiet(stage: str, fraction: float | None) -> None:
    return


def plan(*batches: int, devices: tuple[str, ...] = ("cpu",)) -> BenchPlan:
    return BenchPlan(
        devices=devices,
        batches=batches,
        seconds=0.5,
        min_iterations=2,
        warmup_seconds=0.1,
        min_warmup=1,
    )


def benched(session: Session, *batches: int, report: Any = quiet, **setup: Any) -> BenchResult:
    return bench(session, Setup(target="net.py:Net", **setup), plan(*batches), report)


def test_every_device_is_timed_at_every_batch_in_turn(session: Session, write: Write) -> None:
    write("net.py", NET)
    result = benched(session, 2, 8)
    assert [(row.device, row.batch) for row in result.rows] == [("cpu", 2), ("cpu", 8)]
    for row in result.rows:
        assert row.failure is None
        assert row.timings is not None
        assert row.timings.seconds == (0.125,) * 4
        assert row.first_call_s == 0.125
        assert row.peak_memory is None
    assert result.threads == torch.get_num_threads()


def test_without_batches_the_inputs_own_is_timed(session: Session, write: Write) -> None:
    write("net.py", NET)
    result = benched(session, inputs=(InputSpec((5, 4)),))
    assert [row.batch for row in result.rows] == [5]


def test_a_row_that_fails_says_why_and_the_others_go_on(session: Session, write: Write) -> None:
    write("net.py", NET)
    rows = benched(session, 2, 13, 14, 15, 8).rows
    assert [row.failure is None for row in rows] == [True, False, False, False, True]
    assert rows[1].failure is not None
    assert rows[1].failure.message == "RuntimeError: 13 is too many"
    assert rows[1].failure.where.startswith("net.py:13 in forward")
    assert rows[1].timings is None
    assert rows[2].failure is not None
    assert rows[2].failure.message == "SystemExit: 3"
    assert rows[3].failure is not None
    assert rows[3].failure.hint == "Use a smaller batch."


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_as_it_was(training: bool, session: Session, write: Write) -> None:
    """Also the running statistics that a forward in train mode changes."""
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    model = session.loaded(setup, reload=False, progress=quiet).model
    model.train()
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    benched(session, 2, 13, training=training)
    assert session.loaded(setup, reload=False, progress=quiet).model is model
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == [True, True, False]
    assert torch.equal(random, torch.get_rng_state())
    assert not any(tensor.is_inference() for tensor in model.state_dict(keep_vars=True).values())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    model.train()(torch.ones(2, 4)).sum().backward()


def test_a_lazy_model_gets_ordinary_parameters(session: Session, write: Write) -> None:
    write("net.py", "from torch import nn\nnet = nn.Sequential(nn.LazyLinear(3))\n")
    setup = Setup(target="net.py:net", inputs=(InputSpec((1, 4)),))
    result = bench(session, setup, plan(2), quiet)
    assert result.rows[0].failure is None
    model = session.loaded(setup, reload=False, progress=quiet).model
    assert not any(parameter.is_inference() for parameter in model.parameters())
    model(torch.ones(1, 4)).sum().backward()


def test_a_lazy_model_that_takes_a_dict_is_timed(session: Session, write: Write) -> None:
    write(
        "net.py",
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.LazyLinear(3)

            def forward(self, batch):
                return self.fc(batch["image"])
        """,
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, 4), name="batch.image"),))
    result = bench(session, setup, plan(2), quiet)
    assert result.rows[0].failure is None


@pytest.mark.parametrize("batch", [0, -1])
def test_an_empty_batch_is_refused(batch: int, session: Session, write: Write) -> None:
    write("net.py", NET)
    with pytest.raises(BadInput):
        benched(session, 2, batch)


def test_what_cannot_be_loaded_or_is_not_there_is_refused_at_once(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    with pytest.raises(BadTarget):
        bench(session, Setup(target="no-such-net"), plan(1), quiet)
    with pytest.raises(DeviceError):
        bench(session, setup, plan(1, devices=("cuda:99",)), quiet)
    with pytest.raises(BadInput):
        bench(session, setup, plan(1, devices=("meta",)), quiet)


def test_progress_is_a_share_of_the_whole(session: Session, write: Write) -> None:
    write("net.py", NET)
    heard: list[tuple[str, float | None]] = []
    benched(session, 2, 4, report=lambda *said: heard.append(said))
    timing = [said for said in heard if said[0].startswith("timing")]
    fractions = [fraction for _, fraction in timing]
    assert timing[0] == ("timing cpu at batch 2", 0.0)
    assert ("timing cpu at batch 4", 0.5) in timing
    assert fractions == sorted(fractions)  # type: ignore[type-var]
    assert fractions[-1] == 1.0


# Two devices, of which one is played


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A GPU that the model is only said to be on; where it was moved to."""
    gpu = torch.device("cuda:0")
    moves: list[str] = []

    def move(session: Session, device: torch.device, progress: Any) -> None:
        if device != session.device:
            progress(f"moving to {device}", None)
            moves.append(str(device))
            session._device = device

    make = run.make_arguments
    monkeypatch.setattr(Session, "move", move)
    monkeypatch.setattr(run, "device_named", torch.device)
    monkeypatch.setattr(run, "make_arguments", lambda specs, device: make(specs, CPU))
    monkeypatch.setattr(run, "accelerators", lambda: (Device(str(gpu)),))
    monkeypatch.setattr(run, "free_cache", lambda device: None)
    return moves


def test_the_model_goes_home_afterwards(session: Session, write: Write, moves: list[str]) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    result = bench(session, setup, plan(2, 4, devices=("cpu", "cuda:0")), quiet)
    assert [row.device for row in result.rows] == ["cpu", "cpu", "cuda:0", "cuda:0"]
    assert moves == ["cuda:0", "cpu"]
    assert session.device == CPU
    assert result.missing == ""
    assert result.speedup(result.rows[2]) == 1.0


def test_a_cancel_gets_through_and_the_model_goes_home(
    session: Session, write: Write, moves: list[str]
) -> None:
    """Once cancelled, every report raises: going home must not depend on one."""
    write("net.py", NET)
    cancelled: list[bool] = []

    def report(stage: str, fraction: float | None) -> None:
        if cancelled or (stage == "timing cuda:0 at batch 2" and fraction and fraction > 0.5):
            cancelled.append(True)
            raise Cancelled("cancelled")

    setup = Setup(target="net.py:Net")
    with pytest.raises(Cancelled):
        bench(session, setup, plan(2, 4, devices=("cpu", "cuda:0")), report)
    assert moves == ["cuda:0", "cpu"]
    assert session.device == CPU


def test_a_device_that_the_model_cannot_go_to_is_a_failed_row(
    session: Session, write: Write, moves: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def move(session: Session, device: torch.device, progress: Any) -> None:
        if device != CPU:
            raise DeviceError("no room", "It stays on cpu.")

    monkeypatch.setattr(Session, "move", move)
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    rows = bench(session, setup, plan(2, devices=("cuda:0", "cpu")), quiet).rows
    assert rows[0].failure is not None
    assert rows[0].failure.kind == "DeviceError"
    assert rows[1].failure is None


# The plan's devices


def test_a_plan_without_devices_takes_the_cpu_and_the_first_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "device_named", torch.device)
    for found, expected in (((), ["cpu"]), (("cuda:0", "cuda:1"), ["cpu", "cuda:0"])):
        devices = tuple(map(Device, found))
        monkeypatch.setattr(run, "accelerators", lambda devices=devices: devices)
        assert list(map(str, planned_devices(plan(devices=())))) == expected


def test_a_device_named_twice_is_timed_once() -> None:
    assert planned_devices(plan(devices=("cpu", "cpu:0", "cpu"))) == [CPU]


@pytest.mark.parametrize(
    ("found", "devices", "sentence"),
    [
        ((), ("cpu",), "No accelerator to compare with: it has none."),
        (("cuda:0",), ("cpu",), "No accelerator to compare with: cuda:0 was not asked for."),
        (("cuda:0",), ("cuda:0",), "No speed-up: the CPU was not asked for."),
        (("cuda:0",), ("cpu", "cuda:0"), ""),
    ],
)
def test_what_is_missing_is_a_sentence(
    found: tuple[str, ...],
    devices: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "accelerators", lambda: tuple(map(Device, found)))
    monkeypatch.setattr(run, "why_no_accelerator", lambda: "it has none")
    assert missing_device([torch.device(name) for name in devices]) == sentence


# Real backends


def test_the_cpu_is_never_waited_for_and_tells_no_memory() -> None:
    backend = backend_of(CPU)
    assert isinstance(backend, CpuBackend)
    backend.synchronize()
    backend.reset_peak_memory()
    assert backend.peak_memory() is None
    assert backend.now() <= backend.now()


def test_an_accelerator_is_waited_for_and_asked_for_its_peak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda d: heard.append(f"wait {d}"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda d: heard.append(f"reset {d}"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda d: 7)
    backend = backend_of(torch.device("cuda:0"))
    assert isinstance(backend, AcceleratorBackend)
    backend.reset_peak_memory()
    backend.synchronize()
    assert backend.peak_memory() == 7
    assert heard == ["reset cuda:0", "wait cuda:0"]


def test_an_accelerator_without_a_memory_count_tells_none(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = backend_of(torch.device("mps"))
    backend.reset_peak_memory()
    assert backend.peak_memory() is None


# With an accelerator


@pytest.fixture
def accelerator() -> str:
    from nninspect.engine.devices import accelerators

    found = accelerators()
    if not found:
        pytest.skip("no accelerator")
    return found[0].name


REAL = {"seconds": 0.5, "min_iterations": 10, "warmup_seconds": 0.2, "min_warmup": 3}


@pytest.mark.gpu
def test_a_large_product_is_faster_on_the_accelerator(
    session: Session, write: Write, accelerator: str
) -> None:
    write("net.py", "from torch import nn\nnet = nn.Sequential(nn.Linear(4096, 4096))\n")
    bench_plan = BenchPlan(devices=("cpu", accelerator), batches=(1024,), **REAL)
    result = bench(session, Setup(target="net.py:net"), bench_plan, quiet)
    speedup = result.speedup(result.rows[1])
    assert speedup is not None
    assert speedup > 2
    weights, activations = 4 * 4096 * 4097, 2 * 4 * 1024 * 4096
    peak = result.rows[1].peak_memory
    assert peak is None or weights + activations <= peak < 2 * (weights + activations)
    assert session.device == CPU


@pytest.mark.gpu
def test_a_batch_too_large_is_a_failed_row_and_the_next_one_is_timed(
    session: Session, write: Write, accelerator: str
) -> None:
    write(
        "net.py",
        """
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 4)

            def forward(self, x):
                if len(x) > 1000:
                    torch.empty(10**13, device=x.device)
                return self.fc(x)
        """,
    )
    bench_plan = BenchPlan(devices=(accelerator,), batches=(2000, 2), **REAL)
    rows = bench(session, Setup(target="net.py:Net"), bench_plan, quiet).rows
    assert rows[0].failure is not None
    assert rows[0].failure.hint == "Use a smaller batch."
    assert rows[1].failure is None
    assert session.device == CPU
