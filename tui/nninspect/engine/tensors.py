"""Finding the tensors in whatever a forward takes or returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import torch

from nninspect.protocol.layers import TensorInfo, Tensors

MAX_DEPTH = 8
MAX_TENSORS = 64
MAX_LOOKED_AT = 4096
"""Bounds on what is looked at in one value: nested lists of a thousand tensors say no more."""

MAX_KNOWN = 16_384
"""Shapes that are remembered for the next tensor of their like."""

_PLACES = tuple(map(str, range(MAX_LOOKED_AT + 1)))

_PLAIN = frozenset({type(None), bool, int, float, str, torch.dtype, torch.device})
"""What holds no tensor, told at a glance."""


def described(tensors: Sequence[tuple[str, torch.Tensor]]) -> Tensors:
    """What is kept of tensors that were found; the only one has the key ""."""
    if len(tensors) == 1:
        tensors = [("", tensors[0][1])]
    try:
        return tuple([_known_info(key, each.shape, each.dtype) for key, each in tensors])
    except Exception:  # each kind of nested tensor refuses with an error of its own
        return tuple(TensorInfo(k, shape_of(each), dtype_name(each.dtype)) for k, each in tensors)


def described_in_order(tensors: Sequence[torch.Tensor]) -> Tensors:
    """The same of tensors whose places are their keys."""
    return described(list(zip(_PLACES, tensors, strict=False)))


@lru_cache(maxsize=MAX_KNOWN)
def _known_info(key: str, shape: torch.Size, dtype: torch.dtype) -> TensorInfo:
    """One object for all that are alike: the layers of a deep model are."""
    return TensorInfo(key, tuple(map(int, shape)), dtype_name(dtype))


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """Its sizes; -1 for each where a nested tensor has no one size."""
    try:
        return tuple(map(int, tensor.shape))
    except Exception:  # as above
        return (-1,) * tensor.dim()


def tensors_in(value: Any) -> list[tuple[str, torch.Tensor]]:
    """Every tensor in a value, nested in tuples, lists, mappings and dataclasses, each with how it
    is reached: "0", "mask", "out.logits"."""
    if isinstance(value, torch.Tensor):
        return [("", value)]
    found: list[tuple[str, torch.Tensor]] = []
    _collect(value, "", 1, found, [MAX_LOOKED_AT])
    return found


def _collect(
    value: Any, above: str, depth: int, found: list[tuple[str, torch.Tensor]], left: list[int]
) -> None:
    """Those in the parts of a value, whose keys begin with what is above; `left` is how many parts
    are still to be looked at in all."""
    if left[0] < 0:
        return
    left[0] -= len(value) if isinstance(value, (tuple, list, Mapping)) else 1
    for name, part in _parts(value):
        if type(part) in _PLAIN:
            continue
        if isinstance(part, torch.Tensor):
            if len(found) == MAX_TENSORS:
                return
            found.append((above + name, part))
        elif depth < MAX_DEPTH:
            _collect(part, f"{above}{name}.", depth + 1, found, left)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    kind = type(value)
    if kind is tuple or kind is list:
        return zip(_PLACES, value, strict=False)
    if isinstance(value, (dict, Mapping)):
        return [(str(name), part) for name, part in list(value.items())]
    if isinstance(value, (tuple, list)):
        return zip(getattr(value, "_fields", _PLACES), value, strict=False)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value)]
    return ()


@cache
def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 → "float32"."""
    return str(dtype).removeprefix("torch.")


@cache
def device_name(device: torch.device) -> str:
    """ "cpu", "cuda:0"."""
    return str(device)
