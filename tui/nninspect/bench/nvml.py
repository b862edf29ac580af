"""What the NVIDIA driver tells of a GPU, through the optional `nvidia-ml-py`; None of the rest.

A GPU is found by its UUID: its index differs between torch and the driver.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar

_Value = TypeVar("_Value")

REASONS = {
    0x8: "hardware slowdown",
    0x20: "software thermal limit",
    0x40: "hardware thermal limit",
    0x80: "power brake",
}
"""Of NVML's clock event reasons, those that lower a clock against the program's wish."""


class Facts(NamedTuple):
    """What does not change during a run."""

    mig: bool | None = None
    clock_max_hz: float | None = None


class Health(NamedTuple):
    """What does."""

    clock_hz: float | None = None
    temp_c: float | None = None
    power_w: float | None = None
    reasons: tuple[str, ...] = ()
    other_processes: int | None = None


@cache
def _library() -> Any:
    """The module, initialised; None where there is none, or no driver."""
    try:
        library = importlib.import_module("pynvml")
        library.nvmlInit()
    except Exception:  # each driver refuses in its own way
        return None
    return library


@cache
def _handle(uuid: str | None) -> Any:
    library = _library()
    if library is None or uuid is None:
        return None
    full = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    return _told(lambda: library.nvmlDeviceGetHandleByUUID(full))


def _told(question: Callable[[], _Value]) -> _Value | None:
    """The answer; None where this GPU, or a slice of one, does not support the question."""
    try:
        return question()
    except Exception:  # as above
        return None


def driver_version() -> str | None:
    library = _library()
    found = None if library is None else _told(library.nvmlSystemGetDriverVersion)
    return found.decode() if isinstance(found, bytes) else found


def gpu_facts(uuid: str | None) -> Facts:
    """Of the GPU with that UUID, as torch writes it."""
    library, handle = _library(), _handle(uuid)
    if handle is None:
        return Facts()
    mig = _told(lambda: library.nvmlDeviceGetMigMode(handle)[0])
    clock = _told(lambda: library.nvmlDeviceGetMaxClockInfo(handle, library.NVML_CLOCK_SM))
    return Facts(None if mig is None else bool(mig), None if clock is None else clock * 1e6)


def health(uuid: str | None) -> Health:
    """Its clock, heat and power now, and how many others compute on it.

    This process is one of those listed, but in a container not under the number that it knows.
    """
    library, handle = _library(), _handle(uuid)
    if handle is None:
        return Health()
    clock = _told(lambda: library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM))
    power = _told(lambda: library.nvmlDeviceGetPowerUsage(handle))
    mask = _told(lambda: library.nvmlDeviceGetCurrentClocksThrottleReasons(handle)) or 0
    computing = _told(lambda: library.nvmlDeviceGetComputeRunningProcesses(handle))
    return Health(
        clock_hz=None if clock is None else clock * 1e6,
        temp_c=_told(lambda: library.nvmlDeviceGetTemperature(handle, 0)),
        power_w=None if power is None else power / 1e3,
        reasons=tuple(name for bit, name in REASONS.items() if mask & bit),
        other_processes=None if computing is None else max(0, len(computing) - 1),
    )
