"""What the name of a torch function tells: whether it draws numbers, writes, or reads no values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

ATTRIBUTES = frozenset({"__get__", "__set__", "__delete__"})
"""What is called where an attribute of a tensor is read, set or deleted."""

_NO_VALUES = frozenset(
    {
        *("zeros_like", "ones_like", "full_like", "empty_like"),
        *("new_zeros", "new_ones", "new_full", "new_empty"),
    }
)
_DRAWN = re.compile(
    r"rand|bernoulli|multinomial|normal|uniform|exponential|poisson|dropout|resize|set_$"
)
_WRITTEN = frozenset(
    {
        *("__setitem__", "__iadd__", "__isub__", "__imul__", "__idiv__", "__itruediv__"),
        *("__ifloordiv__", "__imod__", "__ipow__", "__iand__", "__ior__", "__ixor__"),
        *("__ilshift__", "__irshift__"),
    }
)


def takes_no_values(name: str) -> bool:
    """Of a tensor it takes only the shape, the dtype and the device."""
    return name in _NO_VALUES


def in_place_of(tensor: Tensor, name: str) -> Tensor:
    """Another one that such a function can take, on the CPU."""
    shape = tensor.shape if name.endswith("_like") else ()
    return torch.empty(shape, dtype=tensor.dtype, device="cpu")


@lru_cache(maxsize=4096)
def is_drawn(name: str) -> bool:
    """It gives random numbers."""
    return _DRAWN.search(name) is not None


def is_unwritten(name: str) -> bool:
    """It gives what memory happens to hold, to be written to before it is read."""
    return name in ("empty", "empty_like", "new_empty")


def writes(func: Callable[..., Any], kwargs: Mapping[str, Any]) -> bool:
    """It changes an operand: `add_`, `x[0] = …`, `x += 1`, `out=`."""
    name = getattr(func, "__name__", "")
    is_marked = name.endswith("_") and not name.endswith("__")
    return is_marked or "out" in kwargs or name in _WRITTEN
