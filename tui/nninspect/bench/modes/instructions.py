"""Which low-precision arithmetic a device has, and what is to be said where it has none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

CPU_INSTRUCTIONS = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}
"""By dtype, any of these flags of /proc/cpuinfo (x86 and Arm) means arithmetic in it."""

NAMES = {"bfloat16": "AVX512-BF16, AMX or Arm BF16", "float16": "AVX512-FP16, AMX or Arm FP16"}


def slow_dtype(device: torch.device, dtype: str) -> str:
    """A sentence where this device has to convert to compute in the dtype; "" where it need not,
    or does not tell."""
    if device.type == "cpu" and lacks(dtype, cpu_flags()):
        return (
            f"this CPU has no {dtype} arithmetic ({NAMES[dtype]}): "
            "it converts at every step and is often slower than in float32"
        )
    if device.type == "cuda" and dtype == "bfloat16" and not _cuda_has_bfloat16(device):
        return f"{device} emulates bfloat16: it has no arithmetic for it"
    return ""


def lacks(dtype: str, flags: frozenset[str]) -> bool:
    """Whether flags that are known have none for the dtype."""
    wanted = CPU_INSTRUCTIONS.get(dtype)
    return bool(wanted and flags and not wanted & flags)


@cache
def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the first core can do, in the kernel's names; empty where they are not told."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":") for line in lines)
    found = (value for name, _, value in named if name.strip() in ("flags", "Features"))
    return frozenset(next(found, "").split())


def _cuda_has_bfloat16(device: torch.device) -> bool:
    """As `torch.cuda.is_bf16_supported` has it of the current device: AMD's have, NVIDIA's from
    Ampere on."""
    return bool(torch.version.hip) or torch.cuda.get_device_properties(device).major >= 8
