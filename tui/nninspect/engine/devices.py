"""The devices that this machine has for a model, and why there are no others."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from types import ModuleType

import torch

from nninspect.errors import BadInput, DeviceError
from nninspect.protocol.records import Device, Environment


def environment() -> Environment:
    """Where this process runs and what it has."""
    found = accelerators()
    return Environment(
        host=platform.node(),
        python=platform.python_version(),
        torch=torch.__version__,
        pid=os.getpid(),
        devices=(Device(name="cpu", title=platform.machine()), *found),
        no_accelerator="" if found else why_no_accelerator(),
        threads=torch.get_num_threads(),
    )


def accelerators() -> tuple[Device, ...]:
    """Every cuda, mps, xpu … device that torch can use now."""
    if not torch.accelerator.is_available():
        return ()
    current = torch.accelerator.current_accelerator()
    if current is None:
        return ()
    if current.type == "mps":
        return (Device(name="mps", title="Apple GPU"),)
    module = getattr(torch, current.type)
    return tuple(
        _describe(module, f"{current.type}:{index}")
        for index in range(torch.accelerator.device_count())
    )


def _describe(module: ModuleType, name: str) -> Device:
    """Name and memory, where the backend tells them as CUDA does."""
    try:
        properties = module.get_device_properties(name)
    except (AttributeError, RuntimeError, AssertionError):
        return Device(name=name)
    return Device(
        name=name,
        title=str(getattr(properties, "name", "")),
        memory=int(getattr(properties, "total_memory", 0)),
    )


_HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
"""The last two are AMD's."""


def why_no_accelerator() -> str:
    """A sentence that tells a missing build from a missing driver from a hidden device."""
    is_gpu_build = torch.version.cuda or torch.version.hip or torch.xpu._is_compiled()
    if not (is_gpu_build or torch.backends.mps.is_built()):
        return f"this torch ({torch.__version__}) is built for the CPU only"
    for name, hidden in _hidden().items():
        if hidden.strip() in ("", "-1"):
            return f"{name}={hidden!r} hides every GPU"
    if torch.backends.mps.is_built():
        return "this Mac has no GPU that torch can use (macOS 12.3 and Apple silicon or AMD)"
    if torch.xpu._is_compiled():
        return "torch finds no Intel GPU with a driver that it can use (Level Zero)"
    return f"torch finds no GPU: {_driver_complaint()}"


def _hidden() -> dict[str, str]:
    """What the environment says of which GPUs are to be seen."""
    return {name: os.environ[name] for name in _HIDING if name in os.environ}


def _driver_complaint() -> str:
    """What CUDA says when it is started; its first line."""
    try:
        torch.cuda.current_device()
    except (RuntimeError, AssertionError) as error:
        return str(error).strip().splitlines()[0]
    said = [f"{name}={hidden!r}" for name, hidden in _hidden().items()]
    return f"{said[0]} names none" if said else "the driver lists none"


def free_cache(device: torch.device) -> None:
    """Give memory back that torch holds for tensors that are gone, where the device still can."""
    if device.type in ("cpu", "meta"):
        return
    if empty_cache := getattr(getattr(torch, device.type), "empty_cache", None):
        with suppress(RuntimeError):
            empty_cache()


def device_named(name: str) -> torch.device:
    """A device of this machine, or meta. Raises BadInput for a name that is no device,
    DeviceError for one that this machine has not got."""
    known = ["cpu", *(device.name for device in accelerators())]
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"{name!r} is not a device", f"Use one of {', '.join(known)}") from None
    if device.type in ("cpu", "mps", "meta"):
        device = torch.device(device.type)  # there is one of each
    elif device.index is None:
        device = torch.device(device.type, 0)
    if str(device) not in known and device.type != "meta":
        reason = why_no_accelerator() if len(known) == 1 else ""
        raise DeviceError(
            f"this machine has no device {name}" + (f": {reason}" if reason else ""),
            f"Use --device {' or '.join(known)}",
        )
    return device
