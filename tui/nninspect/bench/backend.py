"""A device as the benchmark sees it: clock, waiting, events, memory and health, each if it can."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch

from nninspect.bench import nvml
from nninspect.bench.noise import cpu_throttles
from nninspect.bench.nvml import Health
from nninspect.engine.memory import UNABLE, free_bytes


class Peak(NamedTuple):
    """The most bytes since the reset."""

    allocated: int
    reserved: int


class Events(Protocol):
    """Marks on the stream that calls go to, which tell the device's own time."""

    def mark(self) -> Any: ...

    def between(self, start: Any, end: Any) -> float:
        """Seconds between two marks, once both were waited for."""
        ...


class Backend(Protocol):
    """One device; tests play one with a clock of their own."""

    now: Callable[[], float]
    """Seconds of a clock that never goes back."""
    queues: bool
    """A call returns before the device has done it, so that there is something to wait for."""
    events: Events | None
    """None where the device has none that tell time."""

    def synchronize(self) -> None:
        """Return when the device has done everything it was given."""
        ...

    def reset_peak(self) -> None: ...

    def allocated(self) -> int:
        """Bytes of tensors now; 0 where it is not counted."""
        ...

    def peak(self) -> Peak | None: ...

    def free_bytes(self) -> int | None:
        """What tensors to come may take; None where it can't be told."""
        ...

    def health(self) -> Health: ...


class CpuBackend:
    """Calls are done when they return, and nobody counts the memory."""

    now: Callable[[], float] = staticmethod(time.perf_counter)
    queues = False
    events: Events | None = None

    def __init__(self) -> None:
        self._throttles = cpu_throttles()

    def synchronize(self) -> None:
        return

    def reset_peak(self) -> None:
        return

    def allocated(self) -> int:
        return 0

    def peak(self) -> None:
        return None

    def free_bytes(self) -> int | None:
        return free_bytes(torch.device("cpu"))

    def health(self) -> Health:
        """A lowered clock shows as a count that rose since it was asked last."""
        before, self._throttles = self._throttles, cpu_throttles()
        if before is None or self._throttles is None or self._throttles <= before:
            return Health()
        return Health(reasons=("heat",))


class TorchEvents:
    """A device's events as torch has them, on its current stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def mark(self) -> torch.Event:
        event = torch.Event(self._device, enable_timing=True)
        event.record(torch.accelerator.current_stream(self._device))
        return event

    def between(self, start: torch.Event, end: torch.Event) -> float:
        return float(start.elapsed_time(end)) / 1e3


class AcceleratorBackend:
    """A cuda, mps, xpu … device. What its torch module lacks is None, never a made-up 0."""

    now: Callable[[], float] = staticmethod(time.perf_counter)
    queues = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._module = getattr(torch, device.type)
        self._uuid = _uuid(device)
        self.events: Events | None = TorchEvents(device) if self._probe_events() else None

    def synchronize(self) -> None:
        torch.accelerator.synchronize(self._device)

    def reset_peak(self) -> None:
        if reset := getattr(self._module, "reset_peak_memory_stats", None):
            reset(self._device)

    def allocated(self) -> int:
        return int(self._ask("memory_allocated") or 0)

    def peak(self) -> Peak | None:
        allocated = self._ask("max_memory_allocated")
        reserved = self._ask("max_memory_reserved")
        return None if allocated is None or reserved is None else Peak(allocated, reserved)

    def free_bytes(self) -> int | None:
        return free_bytes(self._device)

    def health(self) -> Health:
        return nvml.health(self._uuid)

    def _ask(self, name: str) -> Any:
        """What the device's module says; None where it can't be asked."""
        question = getattr(self._module, name, None)
        if question is None:
            return None
        try:
            return question(self._device)
        except UNABLE:
            return None

    def _probe_events(self) -> bool:
        """MPS has events that tell no time on some systems; synchronized wall time remains."""
        if self._device.type == "mps":
            return False
        try:
            events = TorchEvents(self._device)
            start, end = events.mark(), events.mark()
            self.synchronize()
            return events.between(start, end) >= 0
        except UNABLE:
            return False


def backend_of(device: torch.device) -> Backend:
    """The backend that times a device."""
    return CpuBackend() if device.type == "cpu" else AcceleratorBackend(device)


def _uuid(device: torch.device) -> str | None:
    if device.type != "cuda":
        return None
    return str(getattr(torch.cuda.get_device_properties(device), "uuid", "")) or None
