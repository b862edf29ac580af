"""What a plan means on this machine: its devices, its modes, and what the comparison lacks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nninspect.bench.machine import visible_cores
from nninspect.bench.modes.registry import mode_named
from nninspect.bench.subjects import Subjects
from nninspect.engine.devices import accelerators, device_named, why_no_accelerator
from nninspect.errors import BadInput, DeviceError
from nninspect.protocol.bench_plan import BenchPlan


def check(plan: BenchPlan) -> None:
    """Raises BadInput for a batch or a mode that can't be, before a model is loaded for it."""
    if any(batch < 1 for batch in plan.batches):
        raise BadInput(f"a batch of {min(plan.batches)} is empty", "Use --batch 1 or more")
    for name in plan.modes:
        mode_named(name)


def check_crossover(plan: BenchPlan, subjects: Subjects) -> None:
    """Raises BadInput where there is nothing that could overtake anything."""
    if plan.crossover and len(subjects.devices) * len(subjects.modes) < 2:
        raise BadInput(
            "a crossover needs two devices, modes or thread counts to compare",
            "Use --devices cpu,cuda or --modes inference,threads=1",
        )


def planned_devices(plan: BenchPlan) -> list[torch.device]:
    """The plan's devices; the CPU and the first accelerator where it names none."""
    names = plan.devices or ("cpu", *(device.name for device in accelerators()[:1]))
    devices = list(dict.fromkeys(_device(name) for name in names))
    if torch.device("meta") in devices:
        raise BadInput("nothing is computed on meta, so nothing can be timed", "Use --devices cpu")
    return devices


def _device(name: str) -> torch.device:
    """As `device_named`, with what to write in a plan."""
    try:
        return device_named(name)
    except (BadInput, DeviceError) as error:
        known = ",".join(("cpu", *(each.name for each in accelerators())))
        raise type(error)(error.message, f"This machine has: --devices {known}") from None


def planned_modes(plan: BenchPlan, devices: Sequence[torch.device], threads: int) -> list[str]:
    """The plan's modes; inference where it names none, and where the CPU has no accelerator to
    be compared with, other thread counts."""
    if plan.modes:
        return list(dict.fromkeys(plan.modes))
    if accelerators() or any(device.type != "cpu" for device in devices):
        return ["inference"]
    counts = {1, threads // 2, len(visible_cores())} - {0, threads}
    return ["inference", *(f"threads={count}" for count in sorted(counts))]


def missing_device(devices: Sequence[torch.device]) -> str:
    """What the comparison lacks, a sentence; "" where it has the CPU and an accelerator."""
    kinds = {device.type for device in devices}
    if kinds == {"cpu"}:
        found = accelerators()
        reason = f"{found[0].name} was not asked for" if found else why_no_accelerator()
        return f"No accelerator to compare with: {reason}."
    return "" if "cpu" in kinds else "No speed-up: the CPU was not asked for."
