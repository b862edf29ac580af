"""What a timing loop needs of a device: waiting for it, its memory, and a clock."""

from __future__ import annotations

import time
from typing import Protocol

import torch


class Backend(Protocol):
    """One device, as the timing loop sees it; tests play one with a clock of their own."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def synchronize(self) -> None:
        """Return when the device has done everything it was given."""
        ...

    def reset_peak_memory(self) -> None: ...

    def peak_memory(self) -> int | None:
        """Allocated bytes at their highest since the reset; None where the device can't tell."""
        ...


class CpuBackend:
    """Calls on the CPU are done when they return, and nobody counts its memory."""

    def now(self) -> float:
        return time.perf_counter()

    def synchronize(self) -> None:
        return

    def reset_peak_memory(self) -> None:
        return

    def peak_memory(self) -> int | None:
        return None


class AcceleratorBackend:
    """A cuda, mps, xpu … device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._module = getattr(torch, device.type)

    def now(self) -> float:
        return time.perf_counter()

    def synchronize(self) -> None:
        torch.accelerator.synchronize(self._device)

    def reset_peak_memory(self) -> None:
        if hasattr(self._module, "reset_peak_memory_stats"):
            self._module.reset_peak_memory_stats(self._device)

    def peak_memory(self) -> int | None:
        if not hasattr(self._module, "max_memory_allocated"):
            return None
        return int(self._module.max_memory_allocated(self._device))


def backend_of(device: torch.device) -> Backend:
    """The backend that times a device."""
    return CpuBackend() if device.type == "cpu" else AcceleratorBackend(device)
