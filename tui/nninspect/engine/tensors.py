"""Finding the tensors in whatever a forward takes or returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import torch

from nninspect.protocol.layers import TensorInfo, Tensors

MAX_DEPTH = 8
MAX_TENSORS = 64
MAX_LOOKED_AT = 4096
"""Bounds on what is looked at in one value: nested lists of a thousand tensors say no more."""

_PLAIN = frozenset({type(None), bool, int, float, str, torch.dtype, torch.device})
"""What holds no tensor, told at a glance."""


def found_in(value: Any) -> Tensors:
    """Every tensor in a value, nested in tuples, lists, mappings and dataclasses.

    The only one has the key "", else each has how it is reached: "0", "mask", "out.logits".
    """
    return described(tensors_in(value))


def described(tensors: Sequence[tuple[str, torch.Tensor]]) -> Tensors:
    """What is kept of tensors that were found."""
    if len(tensors) == 1:
        return (_info("", tensors[0][1]),)
    return tuple(_info(key, tensor) for key, tensor in tensors)


def _info(key: str, tensor: torch.Tensor) -> TensorInfo:
    return TensorInfo(key, shape_of(tensor), dtype_name(tensor.dtype))


def tensors_in(value: Any) -> list[tuple[str, torch.Tensor]]:
    """The tensors themselves, each with its key."""
    found: list[tuple[str, torch.Tensor]] = []
    _collect(value, "", 0, found, count())
    return found


def _collect(
    value: Any, key: str, depth: int, found: list[tuple[str, torch.Tensor]], looked_at: count[int]
) -> None:
    if type(value) in _PLAIN:
        return
    if isinstance(value, torch.Tensor):
        if len(found) < MAX_TENSORS:
            found.append((key, value))
        return
    if depth == MAX_DEPTH:
        return
    for name, part in _parts(value):
        if len(found) == MAX_TENSORS or next(looked_at) > MAX_LOOKED_AT:
            return
        _collect(part, f"{key}.{name}" if key else name, depth + 1, found, looked_at)


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
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


@cache
def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 → "float32"."""
    return str(dtype).removeprefix("torch.")
