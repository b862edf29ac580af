"""Finding the tensors in whatever a forward takes or returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from nninspect.protocol.layers import TensorInfo, Tensors

MAX_DEPTH = 8
MAX_TENSORS = 64
"""Bounds on what is looked at in one value: nested lists of a thousand tensors say no more."""


def found_in(value: Any) -> Tensors:
    """Every tensor in a value, nested in tuples, lists, mappings and dataclasses.

    The only one has the key "", else each has how it is reached: "0", "mask", "out.logits".
    """
    tensors = tuple(_bounded(value))
    if len(tensors) == 1:
        return (TensorInfo("", tensors[0].shape, tensors[0].dtype),)
    return tensors


def _bounded(value: Any) -> Iterator[TensorInfo]:
    for number, tensor in enumerate(_walk(value, "", 0)):
        if number == MAX_TENSORS:
            return
        yield tensor


def _walk(value: Any, key: str, depth: int) -> Iterator[TensorInfo]:
    if isinstance(value, torch.Tensor):
        yield TensorInfo(key, tuple(value.shape), dtype_name(value.dtype))
    elif depth < MAX_DEPTH:
        for name, part in _parts(value):
            yield from _walk(part, f"{key}.{name}" if key else name, depth + 1)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name), part) for name, part in value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=True)
    elif isinstance(value, (tuple, list)):
        yield from ((str(place), part) for place, part in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))


def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 → "float32"."""
    return str(dtype).removeprefix("torch.")
