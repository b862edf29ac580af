"""A benchmark by its plan: every device at every batch size, then the model back in its place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.parameter import is_lazy

from nninspect.bench.backend import backend_of
from nninspect.bench.timing import time_forward
from nninspect.engine.blame import described, user_line, user_traceback
from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.devices import accelerators, device_named, free_cache, why_no_accelerator
from nninspect.engine.examine import Report
from nninspect.engine.failure import is_out_of_memory
from nninspect.engine.inputs import make_arguments
from nninspect.engine.layers import model_dtype
from nninspect.engine.load import Loaded
from nninspect.engine.session import Session, quietly
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.errors import BadInput, NninspectError
from nninspect.protocol.records import (
    BenchPlan,
    BenchResult,
    BenchRow,
    InputSpec,
    Problem,
    Setup,
    batch_of,
)


def bench(session: Session, setup: Setup, plan: BenchPlan, report: Report) -> BenchResult:
    """Time the setup's model on every device and batch of the plan.

    A row that fails says why and the others go on. Raises a UsageError, ModelError or
    DeviceError where the model can't be loaded or a device of the plan is not there.
    """
    devices = planned_devices(plan)
    if any(batch < 1 for batch in plan.batches):
        raise BadInput(f"a batch of {min(plan.batches)} is empty", "Use --batch 1 or more")
    loaded = session.loaded(setup, reload=False, progress=report)
    home = session.device
    rows: list[BenchRow] = []
    try:
        specs = _inputs(loaded, setup, home, report)
        batches = plan.batches or (batch_of(specs) or 1,)
        steps = [(device, batch) for device in devices for batch in batches]
        for place, (device, batch) in enumerate(steps):
            share = _Share(report, f"timing {device} at batch {batch}", place, len(steps))
            rows.append(_row(session, loaded, setup, specs, device, batch, plan, share))
    finally:
        session.move(home, quietly)
    return BenchResult(
        setup=setup,
        dtype=model_dtype(loaded.model),
        rows=tuple(rows),
        missing=missing_device(devices),
        threads=torch.get_num_threads(),
    )


def planned_devices(plan: BenchPlan) -> list[torch.device]:
    """The plan's devices; the CPU and the first accelerator where it names none."""
    names = plan.devices or ("cpu", *(device.name for device in accelerators()[:1]))
    devices = list(dict.fromkeys(device_named(name) for name in names))
    if torch.device("meta") in devices:
        raise BadInput("nothing is computed on meta, so nothing can be timed", "Use --device cpu")
    return devices


def missing_device(devices: Sequence[torch.device]) -> str:
    """What the comparison lacks, a sentence; "" where it has the CPU and an accelerator."""
    kinds = {device.type for device in devices}
    if kinds == {"cpu"}:
        found = accelerators()
        reason = f"{found[0].name} was not asked for" if found else why_no_accelerator()
        return f"No accelerator to compare with: {reason}."
    return "" if "cpu" in kinds else "No speed-up: the CPU was not asked for."


class _Share:
    """Reports one step's fraction as its share of the whole."""

    def __init__(self, report: Report, stage: str, place: int, steps: int) -> None:
        self.report, self._stage, self._place, self._steps = report, stage, place, steps

    def __call__(self, fraction: float) -> None:
        self.report(self._stage, (self._place + fraction) / self._steps)


def _inputs(
    loaded: Loaded, setup: Setup, device: torch.device, report: Report
) -> tuple[InputSpec, ...]:
    with unchanged(loaded.model):
        set_mode(loaded.model, setup.training)
        return choose_inputs(loaded, setup, device, report)[0]


def _row(
    session: Session,
    loaded: Loaded,
    setup: Setup,
    specs: Sequence[InputSpec],
    device: torch.device,
    batch: int,
    plan: BenchPlan,
    share: _Share,
) -> BenchRow:
    share(0.0)
    try:
        session.move(device, share.report)
        with unchanged(loaded.model), torch.inference_mode():
            set_mode(loaded.model, setup.training)
            at_batch = [spec.with_batch(batch) for spec in specs]
            args, kwargs = make_arguments(at_batch, device)
            _materialise(loaded, at_batch, device)
            timed = time_forward(
                lambda: loaded.model(*args, **kwargs), backend_of(device), plan, share
            )
    except NninspectError as error:
        return BenchRow(device=str(device), batch=batch, failure=Problem.of(error))
    except (Exception, SystemExit) as error:
        return BenchRow(device=str(device), batch=batch, failure=_problem(error))
    finally:
        free_cache(device)
    return BenchRow(
        device=str(device),
        batch=batch,
        timings=timed.timings,
        first_call_s=timed.first_call_s,
        warmup=timed.warmup,
        peak_memory=timed.peak_memory,
    )


def _materialise(loaded: Loaded, specs: Sequence[InputSpec], device: torch.device) -> None:
    """The parameters that a lazy module makes in its first forward are to be ordinary ones."""
    if any(is_lazy(parameter) for parameter in loaded.model.parameters()):
        with torch.inference_mode(False):
            args, kwargs = make_arguments(specs, device)
            loaded.model(*args, **kwargs)


def _problem(error: BaseException) -> Problem:
    hint = "Inspect the model to see where and why."
    if is_out_of_memory(error):
        hint = "Use a smaller batch."
    return Problem(
        kind="ForwardFailed",
        message=described(error),
        hint=hint,
        where=user_line(error),
        details=user_traceback(error),
    )
