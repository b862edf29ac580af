"""A benchmark by its plan: every device at every batch in every mode, interleaved and compared."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from random import Random
from typing import Protocol

import torch
from torch.nn.parameter import is_lazy

from nninspect.bench import assemble
from nninspect.bench.backend import Backend, backend_of
from nninspect.bench.candidate import Candidate, failure
from nninspect.bench.contender import Contender
from nninspect.bench.machine import fair_threads, machine
from nninspect.bench.modes.registry import mode_named
from nninspect.bench.planning import check, missing_device, planned_devices, planned_modes
from nninspect.bench.replicas import Replicas
from nninspect.bench.rounds import QUICK_ROUNDS, ROUND_S, ROUNDS, Limits, Machine, Rounds
from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.inputs import make_arguments
from nninspect.engine.load import Loaded
from nninspect.engine.session import Session
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.errors import DeviceError, Interrupted
from nninspect.protocol.bench import BenchPlan, BenchProgress, BenchResult, Key, Run
from nninspect.protocol.records import InputSpec, Setup, batch_of

CANCELLED = "cancelled"


class Report(Protocol):
    """Hears how far it is, never within a timed region; may raise to end it."""

    def __call__(
        self, stage: str, fraction: float | None, bench: BenchProgress | None = None
    ) -> None: ...


def bench(session: Session, setup: Setup, plan: BenchPlan, report: Report) -> BenchResult:
    """Time the setup's model by the plan. The session's model is afterwards as it was.

    A configuration that fails says why in its row and the others go on. Interrupted after the
    first round, it has the rounds that were finished. Raises a UsageError, ModelError or
    DeviceError where the model can't be loaded or the plan can't be carried out.
    """
    check(plan)
    devices = planned_devices(plan)
    loaded = session.loaded(setup, reload=False, progress=report)
    if session.device.type == "meta":
        raise DeviceError(
            "the model is on the meta device, where nothing is computed",
            loaded.kept_on_meta or "Build it on the CPU to time it.",
        )
    began = datetime.now(UTC)
    with _threads(fair_threads()) as threads, unchanged(loaded.model):
        specs = _inputs(loaded, setup, session.device, report)
        candidates = _candidates(plan, devices, specs, threads)
        replicas = Replicas(loaded.model, session.device, training=setup.training)
        try:
            _prepare(candidates, replicas, loaded.build_s, threads, report)
            reads = Machine()
            stopped = _rounds(candidates, replicas, plan, reads, report)
            if stopped != CANCELLED:
                _layers(candidates, report)
            rows = assemble.rows(
                candidates,
                setup.target,
                sum(each.numel() for each in loaded.model.parameters()),
                threads,
                reads.fastest,
            )
        finally:
            for each in candidates:
                each.release(replicas)
            replicas.close()
    return BenchResult(
        setup=setup,
        run=_run(plan, began),
        machine=machine(threads),
        rows=rows,
        missing=missing_device(devices),
        stopped=stopped,
    )


def _run(plan: BenchPlan, began: datetime) -> Run:
    return Run(
        id=uuid.uuid4().hex[:12],
        time_utc=began.isoformat(timespec="seconds"),
        torch=torch.__version__,
        python=platform.python_version(),
        seed=plan.seed,
        argv=plan.argv,
    )


def _candidates(
    plan: BenchPlan, devices: Sequence[torch.device], specs: Sequence[InputSpec], threads: int
) -> list[Candidate]:
    batches = plan.batches or (batch_of(specs) or 1,)
    backends: dict[torch.device, Backend] = {each: backend_of(each) for each in devices}
    return [
        Candidate(
            Key(str(device), batch, name),
            mode_named(name),
            device,
            backends[device],
            tuple(spec.with_batch(batch) for spec in specs),
        )
        for device in devices
        for batch in dict.fromkeys(batches)
        for name in planned_modes(plan, devices, threads)
    ]


def _prepare(
    candidates: Sequence[Candidate],
    replicas: Replicas,
    build_s: float,
    threads: int,
    report: Report,
) -> None:
    for place, each in enumerate(candidates):
        stage = f"warming up {each.key.device}, batch {each.key.batch}, {each.key.mode}"
        progress = BenchProgress(key=each.key, place=place, places=len(candidates))
        report(stage, None, progress)
        each.prepare(replicas, build_s, threads)


def _rounds(
    candidates: Sequence[Candidate],
    replicas: Replicas,
    plan: BenchPlan,
    reads: Machine,
    report: Report,
) -> str:
    """Why they ended."""
    by_contender = {id(each.contender): each for each in candidates if each.contender}

    def release(contender: Contender) -> None:
        candidate = by_contender[id(contender)]
        candidate.error = contender.error
        candidate.release(replicas)

    rounds = Rounds(
        [each.contender for each in candidates if each.contender],
        Limits(
            rounds=QUICK_ROUNDS if plan.quick else ROUNDS,
            max_time_s=plan.max_time_s,
            round_s=0.0 if plan.quick else ROUND_S,
        ),
        failed=lambda contender, error: failure(error, "rounds"),
        tell=_teller(report),
        reads=reads,
        random=Random(plan.seed),
        release=release,
    )
    try:
        return rounds.run()
    except Interrupted:
        if not rounds.done:
            raise
        return CANCELLED


def _layers(candidates: Sequence[Candidate], report: Report) -> None:
    """Where the time goes, told of a run of its own: watching it costs time. A cancel keeps
    what is known."""
    with suppress(Interrupted):
        for each in candidates:
            report(f"layers of {each.key.device}, batch {each.key.batch}, {each.key.mode}", None)
            each.measure_layers()


def _teller(report: Report) -> Callable[[BenchProgress], None]:
    def tell(progress: BenchProgress) -> None:
        done = progress.round + progress.place / progress.places
        report("timing", min(1.0, done / progress.rounds), progress)

    return tell


@contextmanager
def _threads(count: int) -> Iterator[int]:
    """The CPU threads of the whole run."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield count
    finally:
        torch.set_num_threads(before)


def _inputs(
    loaded: Loaded, setup: Setup, device: torch.device, report: Report
) -> tuple[InputSpec, ...]:
    """What it is called with. A lazy module's parameters are ordinary ones afterwards."""
    set_mode(loaded.model, setup.training)
    specs = choose_inputs(loaded, setup, device, report)[0]
    if any(is_lazy(parameter) for parameter in loaded.model.parameters()):
        args, kwargs = make_arguments(specs, device)
        loaded.model(*args, **kwargs)
    return specs
