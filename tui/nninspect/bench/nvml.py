"""What the NVIDIA driver tells of a GPU, through the optional `nvidia-ml-py`; None of the rest.

A GPU is found by its UUID: its index differs between torch and the driver.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

_Value = TypeVar("_Value")

REASONS = {
    0x8: "hardware slowdown",
    0x20: "software thermal limit",
    0x40: "hardware thermal limit",
    0x80: "power brake",
}
"""Of NVML's clock event reasons, those that lower a clock against the program's wish."""

PREFIXES = ("GPU-", "MIG-")
"""Of a UUID: a whole GPU, a slice of one."""


class Facts(NamedTuple):
    """What does not change during a run."""

    mig: bool | None = None
    """It is a slice of a GPU."""
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


class _Found(NamedTuple):
    """A GPU as the driver knows it."""

    whole: Any
    """It has the clock, the heat and the power, those of each of its slices, too."""
    own: Any
    """What torch sees of it: all, or a slice. None for one of several slices, not told which."""
    is_slice: bool


@cache
def _found(uuid: str | None) -> _Found | None:
    """By the UUID as torch writes it, without what tells a GPU from a slice."""
    library = _library()
    if library is None or uuid is None:
        return None
    for full in [uuid] if uuid.startswith(PREFIXES) else [prefix + uuid for prefix in PREFIXES]:
        handle = _told(partial(library.nvmlDeviceGetHandleByUUID, full))
        if handle is not None:
            return _parted(library, handle)
    return None


def _parted(library: Any, handle: Any) -> _Found:
    if _told(lambda: bool(library.nvmlDeviceIsMigDeviceHandle(handle))):
        whole = _told(lambda: library.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle))
        return _Found(handle if whole is None else whole, handle, is_slice=True)
    is_sliced = bool(_told(lambda: library.nvmlDeviceGetMigMode(handle)[0]))
    return _Found(handle, None if is_sliced else handle, is_sliced)


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
    library, found = _library(), _found(uuid)
    if found is None:
        return Facts()
    clock = _told(lambda: library.nvmlDeviceGetMaxClockInfo(found.whole, library.NVML_CLOCK_SM))
    return Facts(found.is_slice, None if clock is None else clock * 1e6)


def health(uuid: str | None) -> Health:
    """Its clock, heat and power now, and how many others compute on what torch sees of it.

    This process is one of those listed, but in a container not under the number that it knows.
    """
    library, found = _library(), _found(uuid)
    if found is None:
        return Health()
    whole = found.whole
    clock = _told(lambda: library.nvmlDeviceGetClockInfo(whole, library.NVML_CLOCK_SM))
    power = _told(lambda: library.nvmlDeviceGetPowerUsage(whole))
    mask = _told(lambda: library.nvmlDeviceGetCurrentClocksThrottleReasons(whole)) or 0
    computing = None
    if found.own is not None:
        computing = _told(lambda: library.nvmlDeviceGetComputeRunningProcesses(found.own))
    return Health(
        clock_hz=None if clock is None else clock * 1e6,
        temp_c=_told(lambda: library.nvmlDeviceGetTemperature(whole, 0)),
        power_w=None if power is None else power / 1e3,
        reasons=tuple(name for bit, name in REASONS.items() if mask & bit),
        other_processes=None if computing is None else max(0, len(computing) - 1),
    )
