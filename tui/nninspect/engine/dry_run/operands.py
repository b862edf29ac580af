"""The arguments of a call on meta, with values in place of tensors that are known."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType, NoneType
from typing import Any

import torch
from torch import Tensor

MOST = 2**18
"""Elements of a tensor whose values are kept: a mask of 512 by 512."""

FREE = 2**14
MOST_IN_ALL = 2**22
"""Elements of all that are kept at a time, those not counted that have no more than FREE."""

KINDS = frozenset({Tensor, torch.nn.Parameter})
_CPU = torch.device("cpu")
_PLAIN = frozenset(
    {
        *(NoneType, bool, int, float, complex, str, EllipsisType),
        *(torch.dtype, torch.layout, torch.memory_format),
    }
)


class Watched(weakref.ref[Tensor]):
    """A tensor on meta, and where what is known of it stands."""

    __slots__ = ("key",)
    key: int


@dataclass(slots=True)
class Memory:
    """What tensors share that are views of each other."""

    version: int
    """The number of writes that the copies have seen."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one tensor on meta."""

    tensor: Watched
    copy: Tensor
    """On the CPU, with the values."""
    memory: Memory


@dataclass(slots=True)
class Operands:
    """The arguments of a call, with copies in place of tensors on meta."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    tensors: list[tuple[Tensor, Known]] = field(default_factory=list)
    """Those on meta, and what was known of each."""
    real: list[Tensor] = field(default_factory=list)
    """Those that have values by themselves."""
    leaves_meta: bool = False
    """It asks for a device that has values."""


class _Unknown(Exception):
    """An operand has no known values, or is of a kind that is not followed."""


def operands_of(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    known: Callable[[Tensor], Known | None],
    *,
    leaves_meta: bool,
) -> Operands | None:
    """None where one of them is not known, or is of a kind that is not followed."""
    found = Operands(leaves_meta=leaves_meta)

    def with_values(value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            found.leaves_meta = found.leaves_meta or value == "cpu"
            return "cpu" if value == "meta" else value
        if kind in KINDS:
            return copy_of(value)
        if kind is tuple or kind is list or kind is torch.Size:
            return kind([with_values(one) for one in value])
        if kind is slice:
            return slice(*map(with_values, (value.start, value.stop, value.step)))
        if kind is torch.device:
            found.leaves_meta = found.leaves_meta or value.type != "meta"
            return _CPU
        raise _Unknown

    def copy_of(tensor: Tensor) -> Tensor:
        if not tensor.is_meta:
            if tensor.numel() > MOST or tensor.device != _CPU:
                raise _Unknown
            found.real.append(tensor)
            return tensor
        one = known(tensor)
        if one is None:
            raise _Unknown
        found.tensors.append((tensor, one))
        return one.copy

    try:
        found.args = [with_values(one) for one in args]
        found.kwargs = {name: with_values(one) for name, one in kwargs.items()}
    except _Unknown:
        return None
    return found
