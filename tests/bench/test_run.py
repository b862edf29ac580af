"""A benchmark by its plan, with real models, and the model afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.bench import (
    after,
    candidate,
    clock,
    course,
    fitting,
    layers,
    planning,
    replicas,
    run,
    transfers,
)
from nninspect.bench.backend import AcceleratorBackend, CpuBackend, Peak, backend_of
from nninspect.bench.planning import missing_device, planned_devices, planned_modes
from nninspect.bench.rounds import Limits as RoundLimits
from nninspect.bench.run import bench
from nninspect.engine.session import Session
from nninspect.errors import BadInput, BadTarget, DeviceError, Interrupted
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchError, BenchPlan, BenchProgress, Key, Lost
from nninspect.protocol.records import Device, InputSpec, Setup
from nninspect.protocol.roofline import Bandwidth, Limits

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
        if len(x) == 16:
            raise KeyboardInterrupt
        return self.norm(self.fc(x))
"""


@pytest.fixture(autouse=True)
def _short(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, quiet_machine: Any
) -> None:
    """No figure is looked at, so a slot may be short."""
    if "gpu" not in request.keywords:
        monkeypatch.setattr(clock, "SLOT_S", 0.001)
        monkeypatch.setattr(clock, "WARMUP_CPU_S", 0.001)
        monkeypatch.setattr(clock, "WARMUP_ACCELERATOR_S", 0.001)
        monkeypatch.setattr(clock, "SPLIT_S", 0.001)
        monkeypatch.setattr(layers, "SECONDS", 0.001)
        monkeypatch.setattr(run, "fair_threads", lambda: 1)
        monkeypatch.setattr(after, "measured", stated_limits)
        monkeypatch.setattr(course, "Machine", quiet_machine)


def stated_limits(device: torch.device, dtype: torch.dtype, threads: int, backend: Any) -> Limits:
    """So slow a device that every layer is bound by its products."""
    return Limits(
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        threads=threads,
        flops_per_s=1.0,
        bandwidths=(Bandwidth(1, 1e15),),
        launch_s=0.0,
    )


def quiet(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
    return


def plan(
    *batches: int,
    devices: tuple[str, ...] = ("cpu",),
    modes: tuple[str, ...] = ("inference",),
) -> BenchPlan:
    return BenchPlan(devices=devices, batches=batches, modes=modes, quick=True)


def benched(
    session: Session,
    *batches: int,
    report: Any = quiet,
    modes: tuple[str, ...] = ("inference",),
    **setup: Any,
) -> BenchResult:
    wanted = plan(*batches, modes=modes)
    return bench(session, Setup(target="net.py:Net", **setup), wanted, report)


def test_every_configuration_has_its_row_in_the_plans_order(session: Session, write: Write) -> None:
    write("net.py", NET)
    result = benched(session, 2, 8, modes=("inference", "train", "threads=2"))
    assert [row.key for row in result.rows] == [
        Key("cpu", batch, mode) for batch in (2, 8) for mode in ("inference", "train", "threads=2")
    ]
    for row in result.rows:
        assert row.error is None
        assert row.latency is not None
        assert [each.number for each in row.latency.kept] == list(range(6))
        assert row.quality is not None
        assert row.cold is not None
        assert row.cold.first_call_s > 0
        assert row.config.inputs[0].shape[0] == row.config.batch
        assert row.accelerator is None
    assert result.machine.threads == run.fair_threads()


def test_a_training_step_is_told_in_its_parts_and_has_no_ratio_to_an_inference(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    inference, train = benched(session, 2, modes=("inference", "train")).rows
    assert train.train is not None
    assert min(train.train.forward_s, train.train.backward_s, train.train.optimizer_s) > 0
    assert inference.train is None
    assert train.compare is None
    assert train.agreement is None


def test_a_mode_is_compared_and_agrees_with_inference(session: Session, write: Write) -> None:
    write("net.py", NET)
    _, threads = benched(session, 2, modes=("inference", "threads=2")).rows
    assert threads.config.threads == 2
    assert threads.agreement is not None
    assert threads.agreement.agrees
    assert threads.agreement.against == Key("cpu", 2)
    assert threads.compare is not None
    assert threads.compare.n_pairs == 6


def test_without_batches_the_inputs_own_is_timed(session: Session, write: Write) -> None:
    write("net.py", NET)
    result = benched(session, inputs=(InputSpec((5, 4)),))
    assert [row.key.batch for row in result.rows] == [5]


def test_a_row_that_fails_says_why_and_the_others_go_on(session: Session, write: Write) -> None:
    write("net.py", NET)
    rows = benched(session, 2, 13, 14, 15, 16, 8).rows
    assert [row.error is None for row in rows] == [True, False, False, False, False, True]
    assert [row.latency is None for row in rows] == [False, True, True, True, True, False]
    problems = [row.error for row in rows if row.error is not None]
    assert problems[0].message.startswith("RuntimeError: 13 is too many (net.py:13 in forward")
    assert problems[0].stage == "first call"
    assert problems[1].message.startswith("SystemExit: 3")
    assert (problems[2].kind, problems[2].hint) == ("OutOfMemory", "Use a smaller batch.")
    assert problems[3].message.startswith("KeyboardInterrupt (net.py:19")


def test_a_mode_that_cannot_run_here_is_a_row_that_says_so(session: Session, write: Write) -> None:
    write("net.py", "from torch import nn\nnet = nn.Flatten()\n")
    setup = Setup(target="net.py:net", inputs=(InputSpec((2, 4)),))
    _, train = bench(session, setup, plan(2, modes=("inference", "train")), quiet).rows
    assert train.error is not None
    assert (train.error.kind, train.error.stage) == ("NotHere", "prepare")


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
    benched(session, 2, 13, modes=("inference", "train"), training=training)
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
    assert result.rows[0].error is None
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
    assert result.rows[0].error is None


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


def test_a_mode_that_there_is_none_of_is_refused_before_the_model_is_loaded(
    session: Session,
) -> None:
    with pytest.raises(BadInput, match="fast"):
        bench(session, Setup(target="no-such-net"), plan(1, modes=("fast",)), quiet)


def test_progress_rises_and_names_the_configuration(session: Session, write: Write) -> None:
    write("net.py", NET)
    heard: list[tuple[Any, ...]] = []
    benched(session, 2, 4, report=lambda *said: heard.append(said))
    fractions = [said[1] for said in heard if said[0] == "timing"]
    assert fractions[0] == 0.0
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1 - 1 / 12)
    assert {said[2].key.batch for said in heard if said[0] == "timing"} == {2, 4}


def test_a_cancel_keeps_the_rounds_that_were_finished(session: Session, write: Write) -> None:
    write("net.py", NET)

    def report(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
        if progress and progress.round == 2:
            raise Interrupted

    result = benched(session, 2, 4, report=report)
    assert result.stopped == "cancelled"
    for row in result.rows:
        assert row.latency is not None
        assert [each.number for each in row.latency.rounds if not each.discarded] == [0, 1]
        assert row.quality is not None
        assert row.quality.verdict == "untrusted"
        assert "too few rounds" in row.quality.reasons


@pytest.mark.parametrize("at", ["timing layers", "counting", "measuring"])
def test_a_cancel_after_the_rounds_keeps_them_and_says_what_is_not_there(
    session: Session, write: Write, at: str
) -> None:
    write("net.py", NET)

    def report(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
        if stage.startswith(at):
            raise Interrupted

    (row,) = benched(session, 2, report=report).rows
    assert row.latency is not None
    assert after.CANCELLED in row.labels


def test_a_cancel_within_a_try_for_the_largest_batch_keeps_what_fits(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.py", NET)
    begun = candidate.Candidate.run_once

    def run_once(self: candidate.Candidate, *given: Any) -> None:
        if self.key.batch > 1:
            raise Interrupted
        begun(self, *given)

    monkeypatch.setattr(candidate.Candidate, "run_once", run_once)
    limited = BenchPlan(
        devices=("cpu",),
        batches=(2,),
        modes=("inference",),
        quick=True,
        largest_batch=True,
        memory_limit_bytes=2**40,
    )
    (found,) = bench(session, Setup(target="net.py:Net"), limited, quiet).largest
    assert found.batch == 1
    assert found.note == fitting.CANCELLED


def test_a_forward_that_takes_longer_than_is_left_is_not_counted(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.py", NET)
    monkeypatch.setattr(after, "COUNTED_S", 0.0)
    monkeypatch.setattr(course, "seconds_wanted", lambda candidates: -1.0)
    (row,) = benched(session, 2).rows
    assert row.work is None
    assert {after.SKIPPED, after.UNCOUNTED} <= set(row.labels)


def test_a_cancel_before_the_first_round_is_over_has_no_result(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    before = torch.get_num_threads()

    def report(stage: str, fraction: float | None, progress: BenchProgress | None = None) -> None:
        if stage == "timing":
            raise Interrupted

    with pytest.raises(Interrupted):
        benched(session, 2, report=report)
    assert torch.get_num_threads() == before


# Two devices, of which one is played


class PlayedGpu(CpuBackend):
    """A device that queues, has no events, and counts memory."""

    queues = True

    def allocated(self) -> int:
        return 1000

    def peak(self) -> Peak:  # type: ignore[override]
        return Peak(1700, 2048)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that the model is only said to be on."""
    monkeypatch.setattr(planning, "device_named", torch.device)
    monkeypatch.setattr(planning, "accelerators", lambda: (Device(name="cuda:0"),))
    monkeypatch.setattr(
        course, "backend_of", lambda device: CpuBackend() if device == CPU else PlayedGpu()
    )
    monkeypatch.setattr(nn.Module, "to", lambda module, device: module)
    monkeypatch.setattr(transfers, "moved", lambda arguments, device, non_blocking=False: arguments)
    monkeypatch.setattr(replicas, "free_cache", lambda device: None)


def test_two_devices_are_timed_in_the_same_rounds_and_compared(
    session: Session, write: Write, gpu: None
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    cpu, cuda = bench(session, setup, plan(2, devices=("cpu", "cuda:0")), quiet).rows
    assert cpu.compare is None
    assert cuda.compare is not None
    assert cuda.compare.against == Key("cpu", 2)
    assert cuda.agreement is not None
    assert cuda.agreement.max_error == 0
    assert cuda.accelerator is not None
    assert cuda.accelerator.device_s is None
    assert cuda.accelerator.end_to_end_s > 0
    assert cuda.throughput is not None
    assert cuda.throughput.mode == "back to back"
    weights, inputs = 4 * (4 * 3 + 3 + 4 * 3) + 8, 4 * 2 * 4
    assert cuda.memory is not None
    assert cuda.memory.peak_allocated_bytes == weights + inputs + 700


def test_the_peak_is_of_the_weights_as_converted_and_of_no_outputs_kept_for_transfers(
    session: Session, write: Write, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.py", NET)
    heard: list[str] = []
    tell, made = PlayedGpu.peak, transfers.transfers_of
    monkeypatch.setattr(PlayedGpu, "peak", lambda self: heard.append("peak") or tell(self))
    monkeypatch.setattr(
        transfers, "transfers_of", lambda *given: heard.append("transfers") or made(*given)
    )
    wanted = plan(2, 4, devices=("cuda:0",), modes=("float16",))
    found = bench(session, Setup(target="net.py:Net"), wanted, quiet).rows
    assert heard == ["peak", "transfers"] * 2
    weights = 2 * (4 * 3 + 3 + 4 * 3) + 8
    for row in found:
        assert row.memory is not None
        assert row.memory.peak_allocated_bytes == weights + 4 * row.key.batch * 4 + 700


def test_where_a_device_overtakes_the_other_is_searched_and_told_with_transfers(
    session: Session, write: Write, gpu: None
) -> None:
    """The played device is as fast as the CPU, so that there may be no crossing; but both are
    looked at, and each batch that is timed has a ratio."""
    write("net.py", NET)
    wanted = BenchPlan(devices=("cpu", "cuda:0"), crossover=True, quick=True)
    result = bench(session, Setup(target="net.py:Net"), wanted, quiet)
    resident, whole = result.crossovers
    assert [resident.with_transfers, whole.with_transfers] == [False, True]
    assert resident.checked == whole.checked
    assert set(resident.checked) == {row.key.batch for row in result.rows}
    assert all(batch & (batch - 1) == 0 for batch in resident.checked)
    gpu_rows = [row for row in result.rows if row.key.device == "cuda:0"]
    assert all(row.compare_with_transfers for row in gpu_rows)
    for row in gpu_rows:
        assert row.accelerator is not None
        named = {each.part for each in row.accelerator.intervals}
        assert named >= {"enqueue_s", "h2d_s", "d2h_s", "end_to_end_s"}
        for each in row.accelerator.intervals:
            assert each.low_s <= getattr(row.accelerator, each.part) <= each.high_s


def test_a_crossover_of_one_series_is_refused(session: Session, write: Write) -> None:
    write("net.py", NET)
    wanted = BenchPlan(devices=("cpu",), modes=("inference",), crossover=True)
    with pytest.raises(BadInput, match="two devices"):
        bench(session, Setup(target="net.py:Net"), wanted, quiet)


class SmallGpu(PlayedGpu):
    """A device whose memory the model at a batch fills."""

    FREE = 10_000
    held = 0

    def free_bytes(self) -> int | None:
        return self.FREE

    def allocated(self) -> int:
        return 0

    def peak(self) -> Peak:  # type: ignore[override]
        return Peak(SmallGpu.held, SmallGpu.held)


def test_the_largest_batch_of_a_device_is_found_after_the_rounds_and_leaves_the_rows(
    session: Session, write: Write, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.py", NET.replace("len(x) == 1", "len(x) == -1"))
    monkeypatch.setattr(
        course, "backend_of", lambda device: CpuBackend() if device == CPU else SmallGpu()
    )
    original = candidate.Candidate.run_once
    freed: list[str] = []
    monkeypatch.setattr(fitting, "free_cache", lambda device: freed.append(str(device)))

    def run_once(self: candidate.Candidate, *given: Any) -> None:
        SmallGpu.held = 500 + 16 * self.key.batch
        original(self, *given)
        if SmallGpu.held > SmallGpu.FREE:
            self.error = BenchError(kind="OutOfMemory", message="full", stage="first call")

    monkeypatch.setattr(candidate.Candidate, "run_once", run_once)
    kept: list[BenchResult] = []
    wanted = BenchPlan(
        devices=("cpu", "cuda:0"), modes=("inference",), quick=True, largest_batch=True
    )
    result = bench(session, Setup(target="net.py:Net"), wanted, quiet, kept.append)
    cpu, cuda = result.largest
    assert freed[:2] == ["cpu", "cuda:0"], "of each before its first try"
    assert cpu.batch is None
    assert "--memory-limit" in cpu.note
    assert cuda.batch is not None
    assert cuda.batch <= (10_000 - 500) // 16 < (cuda.too_large or 0)
    assert cuda.attempts <= 12
    assert all(row.latency is not None for row in result.rows)
    assert len(kept) == 6 + 1 + 2, "each round, the layers, each device"


def test_a_stated_memory_limit_holds_on_the_cpu(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [100]
    monkeypatch.setattr(fitting, "peak_resident_bytes", lambda: held[-1])
    monkeypatch.setattr(fitting, "_safe", lambda stated: (stated, ""))
    monkeypatch.setattr(
        candidate.Candidate, "run_once", lambda self, *_: held.append(100 + 10 * self.key.batch)
    )
    write("net.py", NET)
    wanted = BenchPlan(
        devices=("cpu",),
        modes=("inference",),
        quick=True,
        largest_batch=True,
        memory_limit_bytes=165,
    )
    (found,) = bench(session, Setup(target="net.py:Net"), wanted, quiet).largest
    assert (found.batch, found.too_large) == (6, 7)
    assert (found.peak_bytes, found.limit_bytes) == (160, 165)


def test_what_was_lost_before_is_left_out_with_its_reason(session: Session, write: Write) -> None:
    write("net.py", NET)
    died = BenchError(kind="Died", message="the process was killed", stage="first call")
    wanted = BenchPlan(
        devices=("cpu",),
        batches=(2, 8),
        modes=("inference",),
        quick=True,
        lost=(Lost(Key("cpu", 8), died),),
    )
    fine, dead = bench(session, Setup(target="net.py:Net"), wanted, quiet).rows
    assert fine.latency is not None
    assert (dead.latency, dead.error) == (None, died)


def test_rows_and_layers_say_what_they_compute(session: Session, write: Write) -> None:
    write("net.py", NET)
    (row,) = benched(session, 2).rows
    assert row.work is not None
    assert row.latency is not None
    assert row.work.flops == 2 * 2 * 3 * (4 + 1)
    assert row.work.achieved_flops_per_s == pytest.approx(row.work.flops / row.latency.median_s)
    assert row.work.bound == "compute-bound"
    assert row.layers is not None
    assert {each.path: each.bound for each in row.layers.layers}["fc"] == "compute-bound"


def test_the_time_is_for_warm_up_rounds_and_layers_together(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def limits(*args: Any, **kwargs: Any) -> RoundLimits:
        given.append(kwargs["max_time_s"])
        return RoundLimits(*args, **kwargs)

    monkeypatch.setattr(course, "Limits", limits)
    write("net.py", NET)
    result = benched(session, 1, 2)
    assert result.spent is not None
    assert given[0] < BenchPlan().max_time_s, "less what the warm-up took and the layers will take"
    assert min(result.spent.prepare_s, result.spent.rounds_s, result.spent.after_s) > 0


def test_a_copy_has_the_models_weights_and_the_model_stays(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    model = session.loaded(setup, reload=False, progress=quiet).model
    made = replicas.Replicas(model, CPU, training=False)
    own, shared = made.get(CPU, "train", CpuBackend()), made.get(CPU, "", CpuBackend())
    assert shared.model is model
    assert own.model is not model
    for name, value in own.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])
    assert made.get(CPU, "train", CpuBackend()) is own


def test_a_mode_with_a_copy_of_its_own_has_the_device_to_itself_where_it_is_asked_to_fit(
    session: Session, write: Write
) -> None:
    write("net.py", NET)
    model = session.loaded(Setup(target="net.py:Net"), reload=False, progress=quiet).model
    made = replicas.Replicas(model, torch.device("meta"), training=False)
    train, shared = made.get(CPU, "train", CpuBackend()), made.get(CPU, "", CpuBackend())
    made.forget_others(CPU, "train")
    assert made.get(CPU, "train", CpuBackend()) is train
    assert made.get(CPU, "", CpuBackend()) is not shared
    assert made.stays_on(CPU, "train") == 0
    at_home = replicas.Replicas(model, CPU, training=False)
    assert at_home.stays_on(CPU, "train") == 4 * (4 * 3 + 3 + 4 * 3) + 8
    assert at_home.stays_on(CPU, "") == 0, "it is what is tried"


def test_a_device_that_the_model_cannot_go_to_is_a_failed_row(
    session: Session, write: Write, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to(module: nn.Module, device: torch.device) -> nn.Module:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(nn.Module, "to", to)
    write("net.py", NET)
    setup = Setup(target="net.py:Net")
    cuda, cpu = bench(session, setup, plan(2, devices=("cuda:0", "cpu")), quiet).rows
    assert cuda.error is not None
    assert (cuda.error.kind, cuda.error.stage) == ("OutOfMemory", "copy")
    assert cpu.error is None


# The plan's devices


def test_a_plan_without_devices_takes_the_cpu_and_the_first_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "device_named", torch.device)
    for found, expected in (((), ["cpu"]), (("cuda:0", "cuda:1"), ["cpu", "cuda:0"])):
        devices = tuple(map(Device, found))
        monkeypatch.setattr(planning, "accelerators", lambda devices=devices: devices)
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
    monkeypatch.setattr(planning, "accelerators", lambda: tuple(map(Device, found)))
    monkeypatch.setattr(planning, "why_no_accelerator", lambda: "it has none")
    assert missing_device([torch.device(name) for name in devices]) == sentence


@pytest.mark.parametrize(
    ("modes", "found", "devices", "expected"),
    [
        ((), (), ("cpu",), ["inference", "threads=1", "threads=2", "threads=8"]),
        ((), ("cuda:0",), ("cpu",), ["inference"]),
        ((), ("cuda:0",), ("cpu", "cuda:0"), ["inference"]),
        (("train", "train"), (), ("cpu",), ["train"]),
    ],
)
def test_without_an_accelerator_thread_counts_are_compared(
    modes: tuple[str, ...],
    found: tuple[str, ...],
    devices: tuple[str, ...],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "accelerators", lambda: tuple(Device(name=n) for n in found))
    monkeypatch.setattr(planning, "visible_cores", lambda: frozenset(range(8)))
    named = [torch.device(name) for name in devices]
    assert planned_modes(plan(modes=modes), named, threads=4) == expected


# Real backends


def test_the_cpu_is_done_when_a_call_returns_and_tells_no_device_memory() -> None:
    backend = backend_of(CPU)
    assert not backend.queues
    assert backend.events is None
    assert backend.peak() is None
    assert backend.now() <= backend.now()
    assert (backend.free_bytes() or 1) > 0


class Events:
    """torch.Event on a device that has, or has not, what it takes."""

    def __init__(self, device: torch.device, enable_timing: bool) -> None:
        assert enable_timing

    def record(self, stream: str) -> None:
        assert stream == "the current stream"

    def elapsed_time(self, other: Events) -> float:
        return 4.0


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda d: heard.append(f"wait {d}"))
    monkeypatch.setattr(torch.accelerator, "current_stream", lambda d: "the current stream")
    monkeypatch.setattr(torch, "Event", Events)
    monkeypatch.setattr("nninspect.bench.backend._uuid", lambda device: None)
    return heard


def test_an_accelerator_is_waited_for_and_timed_by_its_events(cuda: list[str]) -> None:
    backend = backend_of(torch.device("cuda:0"))
    cuda.clear()
    backend.synchronize()
    assert cuda == ["wait cuda:0"]
    events = backend.events
    assert events is not None
    assert events.between(events.mark(), events.mark()) == 0.004


def test_an_accelerator_without_events_that_tell_time_has_no_marks(
    cuda: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: torch.device, enable_timing: bool) -> None:
        raise RuntimeError("no timing here")

    monkeypatch.setattr(torch, "Event", refuse)
    assert backend_of(torch.device("cuda:0")).events is None
    assert backend_of(torch.device("mps")).events is None


def test_memory_that_is_not_told_is_none_and_not_0(
    cuda: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(device: torch.device) -> int:
        raise RuntimeError("not compiled in")

    for name in ("max_memory_allocated", "mem_get_info"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    backend = AcceleratorBackend(torch.device("cuda:0"))
    assert backend.peak() is None
    assert backend.free_bytes() is None
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda d: 7)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda d: 9)
    assert backend.peak() == Peak(7, 9)
