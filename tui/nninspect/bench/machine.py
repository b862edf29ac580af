"""What the benchmark runs on: cores, quota, memory, accelerators and their settings."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from pathlib import Path
from typing import Any

import torch

from nninspect.bench.nvml import driver_version, gpu_facts
from nninspect.engine.cgroup import quota_cores
from nninspect.engine.devices import accelerators
from nninspect.protocol.machine import Gpu, Machine

_CPU = Path("/sys/devices/system/cpu")


def machine(threads: int) -> Machine:
    """This machine. `threads`: those that the run set."""
    has_cuda = torch.cuda.is_available()
    return Machine(
        host=platform.node(),
        cpu=_cpu_name(),
        isa=torch.backends.cpu.get_cpu_capability(),
        cores_visible=len(visible_cores()),
        quota_cores=quota_cores(),
        threads=threads,
        memory_bytes=_memory(),
        gpus=tuple(_gpu(each.name, each.title, each.memory) for each in accelerators()),
        driver=driver_version(),
        tf32=allows_tf32() if has_cuda else None,
        cudnn_benchmark=torch.backends.cudnn.benchmark if has_cuda else None,
    )


def allows_tf32() -> bool:
    """Whether CUDA may compute float32 in TF32, in products, convolutions or recurrent layers.

    `allow_tf32` raises where the user's code has set the precisions that torch 2.9 brought.
    """
    backends: Any = torch.backends
    try:
        kinds = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
        return any(kind.fp32_precision == "tf32" for kind in kinds)
    except AttributeError:  # an older torch
        return bool(backends.cuda.matmul.allow_tf32 or backends.cudnn.allow_tf32)


def fair_threads() -> int:
    """CPU threads that have a core each: the least of those visible, the quota, and real ones."""
    cores = visible_cores()
    quota = quota_cores()
    allowed = math.inf if quota is None else max(1, math.floor(quota))
    return int(min(len(cores), physical_cores(cores), allowed))


def visible_cores() -> frozenset[int]:
    """The logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def physical_cores(visible: frozenset[int], cpus: Path = _CPU) -> int:
    """How many cores the logical ones are, those that share one counted once."""
    siblings = set()
    for number in visible:
        try:
            siblings.add((cpus / f"cpu{number}/topology/thread_siblings_list").read_text())
        except OSError:
            siblings.add(str(number))
    return max(1, len(siblings))


def resident_bytes() -> int | None:
    """What this process holds of the host's memory; None where it is not told."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None


def reset_peak_resident() -> None:
    """From here on `peak_resident_bytes` counts anew, where the system lets it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_resident_bytes() -> int | None:
    """The most that this process held of the host's memory; None where it is not told."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) * 1024
    return None


def _memory() -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _gpu(device: str, title: str, memory: int) -> Gpu:
    kind = torch.device(device).type
    uuid = capability = None
    if kind == "cuda":
        properties = torch.cuda.get_device_properties(device)
        uuid = str(getattr(properties, "uuid", "")) or None
        capability = f"{properties.major}.{properties.minor}"
    facts = gpu_facts(uuid)
    return Gpu(
        device=device,
        name=title,
        uuid=uuid,
        mem_bytes=memory or None,
        capability=capability,
        mig=facts.mig,
        clock_max_hz=facts.clock_max_hz,
    )
