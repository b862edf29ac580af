"""The machine and the accelerators that a benchmark ran on.

Units are SI: seconds, bytes, hertz, watts. A field is None where the device or the machine does
not tell, never 0.
"""

from __future__ import annotations

from nninspect.protocol.records import Record


class Gpu(Record, frozen=True):
    """An accelerator's fixed facts."""

    device: str
    name: str
    uuid: str | None = None
    mem_bytes: int | None = None
    capability: str | None = None
    mig: bool | None = None
    clock_max_hz: float | None = None


class Machine(Record, frozen=True):
    """What it ran on, and the settings that hold for every row."""

    host: str
    cpu: str
    isa: str
    """The widest vector instructions that torch uses here: "AVX512"."""
    cores_visible: int
    """That this process may run on."""
    quota_cores: float | None
    """The control group's limit; None without one."""
    threads: int
    """CPU threads of torch within an op: the least of visible, quota and physical cores."""
    memory_bytes: int | None = None
    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    tf32: bool | None = None
    """Whether float32 products may use TF32; None without CUDA."""
    cudnn_benchmark: bool | None = None
