"""Tensors on different devices, and a device that is full."""

from __future__ import annotations

import re

import torch
from torch import nn

from nninspect.engine.failures.facts import Facts
from nninspect.text.units import size

_SAYS_DEVICE = (
    r"(?:be|are not) (?:either on cpu or )?(?:on|at) (?:the )?same device"
    r"|is not on the expected device|should be the same device"
    r"|Unhandled FakeTensor Device Propagation|Placeholder storage has not been allocated on MPS"
)
_TYPES = r"Input type \(torch\.(cuda\.|xpu\.)?\w+\) and weight type \(torch\.(cuda\.|xpu\.)?\w+\)"
"""Of a device and a dtype each: "torch.cuda.HalfTensor"."""
_NUMPY = r"can't convert \S+ device type tensor to numpy"
_DEVICE = r"\b(?:cuda|cpu|meta|mps|xpu|hip)\b(?::\d+)?"


def device(facts: Facts) -> str:
    """Who is on another device: a plain tensor that `.to()` does not move, if there is one."""
    if facts.says(_NUMPY):
        return "Write x.cpu().numpy(), or stay with torch functions, which stay on the device."
    types = facts.says(_TYPES)
    if not facts.says(_SAYS_DEVICE) and not (types and types[1] != types[2]):
        return ""
    return (
        _unregistered(facts)
        or _left_behind(facts.module, facts.name)
        or (
            "A tensor is on another device than the rest"
            f"{_named(facts.message)}: make it with device=x.device in forward, or keep it with "
            "register_buffer, so that it moves with the model."
        )
    )


def _unregistered(facts: Facts) -> str:
    """A layer that the model does not know of, as one in a plain list."""
    if not facts.names or id(facts.module) in facts.names:
        return ""
    devices = {str(p.device) for p in facts.module.parameters()}
    if len(devices) != 1:
        return ""
    return (
        f"{facts.name} is on {devices.pop()}: the model does not know of it, so it did not move "
        "along. Make it an attribute, or keep it in an nn.ModuleList instead of a list."
    )


def _named(message: str) -> str:
    found = list(dict.fromkeys(re.findall(_DEVICE, message)))
    return f" ({' and '.join(found)})" if len(found) == 2 else ""


def _left_behind(module: nn.Module, name: str) -> str:
    """A plain tensor attribute that is not where the weights are."""
    weights = {p.device for p in (*module.parameters(), *module.buffers())}
    if len(weights) != 1:
        return ""
    (where,) = weights
    for attribute, value in vars(module).items():
        if isinstance(value, torch.Tensor) and value.device != where:
            return (
                f"{name}.{attribute} is a plain tensor on {value.device}, and the weights are on "
                f'{where}: self.register_buffer("{attribute}", …) moves it with the model.'
            )
    return ""


_SAYS_FULL = re.compile(
    r"DefaultCPUAllocator|(?:CUDA|HIP) error: out of memory|_STATUS_ALLOC_FAILED"
    r"|DEVICE_ALLOCATION_FAILED|MPS backend out of memory|OUT_OF_DEVICE_MEMORY"
)
"""What is no OutOfMemoryError: the CPU's, an Apple GPU's, and that of libraries and drivers, which
take memory without torch's allocator."""


def is_out_of_memory(error: BaseException) -> bool:
    """Of an accelerator, which mostly has an exception for it, or of the CPU, which has not."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_SAYS_FULL.search(str(error)))


def out_of_memory(facts: Facts) -> str:
    """What was asked for and what was free, where the message tells."""
    if not is_out_of_memory(facts.error):
        return ""
    advice = "use a smaller batch, or another device."
    if match := facts.says(r"Tried to allocate ([\d.]+ \w+)"):
        free = facts.says(r"of which ([\d.]+ \w+) is free")
        had = f" and {free[1]} was free" if free else ""
        return f"One tensor of {match[1]} was asked for{had}: {advice}"
    if match := facts.says(r"tried to allocate (\d+) bytes"):
        return f"One tensor of {size(int(match[1]))} was asked for: {advice}"
    return f"The device has not enough memory: {advice}"
