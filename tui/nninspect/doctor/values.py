"""What stands in a model's tensors: the extremes of each, read once."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import is_lazy

from nninspect.doctor.structure import Structure

STATISTICS = frozenset({"running_mean", "running_var"})
"""Buffers of a norm: their rule is NN705."""


class Extremes(NamedTuple):
    """The least and the greatest value of a tensor; NaN in both where there is a NaN."""

    low: float
    high: float

    @property
    def is_nan(self) -> bool:
        return math.isnan(self.low)

    @property
    def is_infinite(self) -> bool:
        return math.isinf(self.low) or math.isinf(self.high)

    @property
    def is_constant(self) -> bool:
        """Every element is the same finite number."""
        return self.low == self.high and not self.is_infinite


def extremes(tensor: torch.Tensor) -> Extremes | None:
    """None where there are no values to look at: lazy, on meta, empty, or not floating; or where
    they do not lie one beside the other, as in a sparse tensor."""
    if is_lazy(tensor) or tensor.is_meta or tensor.layout != torch.strided:
        return None
    if not tensor.is_floating_point() or not tensor.numel():
        return None
    with torch.no_grad():
        wide = tensor.float() if tensor.element_size() == 1 else tensor
        low, high = torch.aminmax(wide.detach())
    return Extremes(float(low), float(high))


def has_statistics(module: nn.Module) -> bool:
    """A norm that keeps running statistics."""
    return isinstance(module, (_BatchNorm, _InstanceNorm)) and module.running_var is not None


def broken_tensors(structure: Structure) -> dict[str, str]:
    """Every parameter and buffer with values that are no numbers, and what they are, by name.

    A buffer of -inf is a mask, so of buffers only NaN counts; statistics of a norm, where a
    variance below 0 counts as well.
    """
    found = {
        name: "NaN" if known.is_nan else "infinite values"
        for name, parameter in structure.parameters.items()
        if (known := extremes(parameter)) and (known.is_nan or known.is_infinite)
    }
    for path, module in structure.modules():
        for name, buffer in module._buffers.items():
            known = None if buffer is None else extremes(buffer)
            if known is not None and (wrong := _wrong_buffer(name, known, module)):
                found[f"{path}.{name}" if path else name] = wrong
    return found


def _wrong_buffer(name: str, known: Extremes, module: nn.Module) -> str:
    if known.is_nan:
        return "NaN"
    if name not in STATISTICS or not has_statistics(module):
        return ""
    if known.is_infinite:
        return "infinite values"
    return "values below 0" if name == "running_var" and known.low < 0 else ""


def is_statistic(structure: Structure, name: str) -> bool:
    """A running mean or variance, by its name in the model."""
    path, _, own = name.rpartition(".")
    return own in STATISTICS and has_statistics(structure.by_path[path])
