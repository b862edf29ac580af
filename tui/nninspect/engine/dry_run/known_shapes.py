"""What an op gave on meta, remembered, so that the next call of its like need not ask again.

A meta kernel is a function of its operands' shapes, strides and dtypes and of the arguments that
are no tensors. Most of torch's are written in Python and take 0.1 ms, sdpa's some 3 ms; and a deep
model asks the same of them in each of its layers. What is remembered is exact, as it is what the
kernel itself said; ops that give a view, write in place, or take anything else fall through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType, NoneType
from typing import Any

import torch

MOST = 20_000
"""Calls that are remembered: lengths that grow at each step are never met again."""

_PLAIN = frozenset(
    {
        *(NoneType, bool, int, float, str, EllipsisType),
        *(torch.dtype, torch.device, torch.layout, torch.memory_format),
    }
)
_TENSORS = frozenset({torch.Tensor, torch.nn.Parameter})

_META = torch.device("meta")


class _NotPlain(Exception):
    """A call of a kind that is not remembered."""


@dataclass(frozen=True, slots=True)
class Given:
    """A call as it is looked up: what decides its result, and its tensors."""

    key: tuple[object, ...]
    tensors: tuple[torch.Tensor, ...]
    versions: tuple[int, ...]
    """How often each had been written to before the call."""


@dataclass(frozen=True, slots=True)
class _Made:
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def again(self) -> torch.Tensor:
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=_META)


@dataclass(slots=True)
class KnownShapes:
    """Results by call; of one that can't be repeated, None."""

    _known: dict[tuple[object, ...], Callable[[], Any] | None] = field(default_factory=dict)

    def look_up(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Given | None, Callable[[], Any] | None]:
        """The call where it may be remembered, and what makes its result where it is known."""
        if torch._C._functorch.peek_interpreter_stack() is not None:
            return None, None  # within vmap a tensor is not what it seems
        tensors: list[torch.Tensor] = []
        key: list[object] = [func, torch.get_default_dtype()]
        try:
            _spell(args, key, tensors)
            for name in kwargs:
                key.append(name)
                _spell(kwargs[name], key, tensors)
            found = self._known.get(whole := tuple(key), _UNHEARD_OF)
        except (_NotPlain, TypeError):
            return None, None
        if found is not _UNHEARD_OF:
            return None, found
        if not tensors or len(self._known) >= MOST or torch.is_inference_mode_enabled():
            return None, None
        return Given(whole, tuple(tensors), tuple(t._version for t in tensors)), None

    def keep(self, given: Given, result: Any) -> None:
        """Remember what the call gave, if the next one of its like would give the same anew."""
        is_same = all(
            tensor._version == version
            for tensor, version in zip(given.tensors, given.versions, strict=True)
        )
        self._known[given.key] = _repeated(result, given.tensors) if is_same else None


def _unheard_of() -> None: ...


_UNHEARD_OF = _unheard_of
"""In place of a result, as None is one."""


def _spell(value: Any, key: list[object], tensors: list[torch.Tensor]) -> None:
    """Everything of a value that a shape can depend on. Raises _NotPlain."""
    kind = type(value)
    if kind in _PLAIN:
        key.append(kind)  # as 1 == True == 1.0
        key.append(value)
    elif kind in _TENSORS:
        if not value.is_meta or value.dtype.is_complex or _is_differentiated(value):
            raise _NotPlain
        key.append((value.shape, value.stride(), value.dtype))
        tensors.append(value)
    elif kind is tuple or kind is list or kind is torch.Size:
        key.append(kind)
        key.append(len(value))
        for part in value:
            _spell(part, key, tensors)
    elif kind is slice:
        key.append(kind)
        _spell((value.start, value.stop, value.step), key, tensors)
    else:
        raise _NotPlain


def _is_differentiated(tensor: torch.Tensor) -> bool:
    return tensor.requires_grad and torch.is_grad_enabled()


def _repeated(result: Any, given: Sequence[torch.Tensor]) -> Callable[[], Any] | None:
    """What makes the same again; None where it is more than tensors with a storage each."""
    storages = {_storage(tensor) for tensor in given}
    if type(result) is torch.Tensor:
        made = _fresh(result, storages)
        return None if made is None else made.again
    if type(result) not in (tuple, list):
        return None
    parts = [_fresh(part, storages) for part in result]
    if not parts or None in parts:
        return None
    kind, kept = type(result), tuple(part for part in parts if part is not None)
    return lambda: kind(part.again() for part in kept)


def _fresh(tensor: Any, storages: set[int]) -> _Made | None:
    """None for a view, a tensor that was given, or one of another kind."""
    if type(tensor) is not torch.Tensor or not tensor.is_meta or tensor._base is not None:
        return None
    if tensor.requires_grad or tensor.dtype.is_complex or tensor.storage_offset():
        return None
    if (storage := _storage(tensor)) in storages:
        return None
    storages.add(storage)
    return _Made(tuple(tensor.shape), tensor.stride(), tensor.dtype)


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
