"""A benchmark by its plan: every device at every batch in every mode, interleaved and compared."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import torch
from torch.nn.parameter import is_lazy

from nninspect.bench.course import Course, Report
from nninspect.bench.machine import fair_threads, machine
from nninspect.bench.planning import (
    check,
    check_crossover,
    missing_device,
    planned_devices,
    planned_modes,
)
from nninspect.bench.replicas import Replicas
from nninspect.bench.subjects import Subjects
from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.inputs import make_arguments
from nninspect.engine.load import Loaded
from nninspect.engine.session import Session
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.errors import DeviceError
from nninspect.protocol.bench import BenchResult, Run
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.records import InputSpec, Setup, batch_of


def bench(
    session: Session,
    setup: Setup,
    plan: BenchPlan,
    report: Report,
    keep: Callable[[BenchResult], None] = lambda result: None,
) -> BenchResult:
    """Time the setup's model by the plan. The session's model is afterwards as it was.

    A configuration that fails says why in its row and the others go on. Interrupted after the
    first round, it has the rounds that were finished; `keep` gets the result so far after each
    of them. Raises a UsageError, ModelError or DeviceError where the model can't be loaded or the
    plan can't be carried out.
    """
    check(plan)
    devices = planned_devices(plan)
    began, started = datetime.now(UTC), time.perf_counter()
    loaded = session.loaded(setup, reload=False, progress=report)
    if session.device.type == "meta":
        raise DeviceError(
            "the model is on the meta device, where nothing is computed",
            loaded.kept_on_meta or "Build it on the CPU to time it.",
        )
    with _threads(fair_threads()) as threads, unchanged(loaded.model):
        specs = _inputs(loaded, setup, session.device, report)
        subjects = Subjects(
            target=setup.target,
            params=sum(each.numel() for each in loaded.model.parameters()),
            devices=devices,
            modes=planned_modes(plan, devices, threads),
            inputs=specs,
            threads=threads,
            build_s=loaded.build_s,
        )
        check_crossover(plan, subjects)
        replicas = Replicas(loaded.model, session.device, training=setup.training)
        course = Course(plan, subjects, replicas, report, time.perf_counter() - started)
        empty = BenchResult(
            setup=setup,
            run=_run(plan, began),
            machine=machine(threads),
            rows=(),
            missing=missing_device(devices),
        )
        try:
            batches = plan.batches or (batch_of(specs) or 1,)
            course.run(batches, lambda: keep(course.completed(empty)))
            return course.completed(empty)
        finally:
            course.release()
            replicas.close()


def _run(plan: BenchPlan, began: datetime) -> Run:
    return Run(
        id=uuid.uuid4().hex[:12],
        time_utc=began.isoformat(timespec="seconds"),
        torch=str(torch.__version__),
        python=platform.python_version(),
        seed=plan.seed,
        argv=plan.argv,
    )


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
