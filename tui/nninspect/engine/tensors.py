"""Finding the tensors in whatever a forward takes or returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch

from nninspect.protocol.layers import TensorInfo, Tensors

MAX_DEPTH = 8
MAX_TENSORS = 64
MAX_LOOKED_AT = 4096
"""Bounds on what is looked at in one value: nested lists of a thousand tensors say no more."""


def found_in(value: Any) -> Tensors:
    """Every tensor in a value, nested in tuples, lists, mappings and dataclasses.

    The only one has the key "", else each has how it is reached: "0", "mask", "out.logits".
    """
    tensors = tuple(tensors_in(value))
    is_only = len(tensors) == 1
    return tuple(
        TensorInfo("" if is_only else key, _shape(tensor), dtype_name(tensor.dtype))
        for key, tensor in tensors
    )


def tensors_in(value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors themselves, each with its key."""
    looked_at = islice(_walk(value, "", 0), MAX_LOOKED_AT)
    return islice((found for found in looked_at if found is not None), MAX_TENSORS)


def _walk(value: Any, key: str, depth: int) -> Iterator[tuple[str, torch.Tensor] | None]:
    """Every tensor; None for anything else that was looked at."""
    if isinstance(value, torch.Tensor):
        yield key, value
        return
    yield None
    if depth < MAX_DEPTH:
        for name, part in _parts(value):
            yield from _walk(part, f"{key}.{name}" if key else name, depth + 1)


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    """Its sizes; -1 for each where a nested tensor has no one size."""
    try:
        return tuple(map(int, tensor.shape))
    except Exception:  # each kind of nested tensor refuses with an error of its own
        return (-1,) * tensor.dim()


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), part) for name, part in list(value.items()))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=True)
    elif isinstance(value, (tuple, list)):
        yield from ((str(place), part) for place, part in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))


def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 → "float32"."""
    return str(dtype).removeprefix("torch.")
