"""Values of small tensors on meta, as far as they follow from what the forward was given.

Beside such a tensor stands a copy with values on the CPU. An op whose operands are all known is run
on the copies as well, and what it gives there is known of what it gave on meta: the number of ones
in a mask, the largest position. Copies share their memory where the tensors on meta share theirs,
so what is written to the one is seen in its views. A write of something unknown raises the version
that the tensor and its views have in common, by which all of them are forgotten.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType, NoneType
from typing import Any

import torch
from torch import Tensor

from nninspect.engine.dry_run.op_kinds import in_place_of, is_drawn, takes_no_values, writes

MOST = 2**14
"""Elements of a tensor whose values are kept: a mask of 128 by 128."""

_CPU = torch.device("cpu")
_KINDS = frozenset({Tensor, torch.nn.Parameter})
_PLAIN = frozenset(
    {
        *(NoneType, bool, int, float, complex, str, EllipsisType),
        *(torch.dtype, torch.layout, torch.memory_format),
    }
)


class _Unknown(Exception):
    """An operand has no known values, or is of a kind that is not followed."""


class _Watched(weakref.ref[Tensor]):
    """A tensor on meta, and where what is known of it stands."""

    __slots__ = ("key",)
    key: int


@dataclass(slots=True)
class _Memory:
    """What tensors share that are views of each other."""

    version: int
    """The number of writes that the copies have seen."""


@dataclass(frozen=True, slots=True)
class _Known:
    tensor: _Watched
    copy: Tensor
    memory: _Memory


@dataclass(slots=True)
class Operands:
    """The arguments of a call, with copies in place of tensors on meta."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    tensors: list[tuple[Tensor, _Known]] = field(default_factory=list)
    """Those on meta, and what was known of each."""
    real: list[Tensor] = field(default_factory=list)
    """Those that have values by themselves."""
    leaves_meta: bool = False
    """It asks for a device that has values."""


class KnownValues:
    """What is known of the tensors of one dry run, for as long as each of them lives."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def of(self, tensor: Tensor) -> Tensor | None:
        """A copy with its values, not to be written to."""
        found = self._of(tensor)
        return None if found is None else found.copy

    def operands(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Operands | None:
        """The call on values, to be asked for before it is run on meta; None where an operand is
        not known."""
        first: Any = args[0] if args else None
        name = getattr(func, "__name__", "")
        if type(first) in _KINDS and id(first) not in self._known and first.is_meta:  # mostly
            if not takes_no_values(name) or first.numel() > MOST:
                return None
            args = (in_place_of(first, name), *args[1:])
        if is_drawn(name) or torch._C._functorch.peek_interpreter_stack() is not None:
            return None
        found = Operands(leaves_meta=name in ("cpu", "numpy", "__array__"))
        try:
            found.args = [self._with_values(one, found) for one in args]
            found.kwargs = {name: self._with_values(one, found) for name, one in kwargs.items()}
        except _Unknown:
            return None
        return found

    def follow(self, func: Callable[..., Any], operands: Operands, result: Any) -> None:
        """Run the call, which gave this on meta, on the copies as well."""
        made, is_write = _tensors(result), writes(func, operands.kwargs)
        if not (made or is_write) or any(one.numel() > MOST for one in made):
            return
        if is_write and operands.real:
            return  # which may have been written to
        try:
            real = func(*operands.args, **operands.kwargs)
        except Exception:  # what a value makes fail is for the real forward to meet
            return
        for tensor, known in operands.tensors:
            known.memory.version = tensor._version
        for one, value in zip(made, _tensors(real), strict=False):
            self._keep(one, value, operands)

    def answer(self, func: Callable[..., Any], operands: Operands) -> Any:
        """What the call gives that could not be run on meta. Raises what it raises."""
        real = func(*operands.args, **operands.kwargs)
        for tensor, known in operands.tensors:
            known.memory.version = tensor._version
            if real is known.copy and not operands.leaves_meta:  # it was written to
                return tensor
        return real if operands.leaves_meta else self._onto_meta(real)

    def forget(self, tensor: Tensor) -> None:
        """It is made another one, as by `x.data = y`."""
        self._known.pop(id(tensor), None)

    def move(self, tensor: Tensor, data: Tensor) -> None:
        """`x.data` shares the memory of x and not its version: from then on it alone is known."""
        if (known := self._of(tensor)) is not None:
            self.forget(tensor)
            self._note(data, known.copy.clone(), _Memory(data._version))

    def _onto_meta(self, real: Any) -> Any:
        if type(real) is Tensor:
            tensor = real.to("meta")
            self._keep(tensor, real, Operands(real=[real]))
            return tensor
        if isinstance(real, (tuple, list)) and any(map(torch.is_tensor, real)):
            parts = [self._onto_meta(part) for part in real]
            return parts if isinstance(real, list) else tuple(parts)
        return real

    def _of(self, tensor: Tensor) -> _Known | None:
        found = self._known.get(id(tensor))
        if found is None or found.tensor() is not tensor:
            return None
        if found.memory.version != tensor._version:
            del self._known[id(tensor)]
            return None
        return found

    def _with_values(self, value: Any, found: Operands) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            found.leaves_meta = found.leaves_meta or value == "cpu"
            return "cpu" if value == "meta" else value
        if kind in _KINDS:
            return self._copy_of(value, found)
        if kind is tuple or kind is list or kind is torch.Size:
            return kind([self._with_values(one, found) for one in value])
        if kind is slice:
            ends = (value.start, value.stop, value.step)
            return slice(*(self._with_values(one, found) for one in ends))
        if kind is torch.device:
            found.leaves_meta = found.leaves_meta or value.type != "meta"
            return _CPU
        raise _Unknown

    def _copy_of(self, tensor: Tensor, found: Operands) -> Tensor:
        if not tensor.is_meta:
            if tensor.numel() > MOST or tensor.device != _CPU:
                raise _Unknown
            found.real.append(tensor)
            return tensor
        known = self._of(tensor)
        if known is None:
            raise _Unknown
        found.tensors.append((tensor, known))
        return known.copy

    def _keep(self, tensor: Tensor, copy: Any, operands: Operands) -> None:
        """The copy is the tensor's, if it shares its memory as the tensor does."""
        if type(tensor) is not Tensor or not tensor.is_meta or tensor.is_inference():
            return
        if type(copy) is not Tensor or copy.is_meta or copy.requires_grad:
            return
        if (copy.shape, copy.dtype) != (tensor.shape, tensor.dtype):
            return
        memory = None
        for given, known in operands.tensors:
            if _share(tensor, given):
                if not _share(copy, known.copy):
                    return
                memory = known.memory
        copies = (*(known.copy for _, known in operands.tensors), *operands.real)
        if memory is None and any(_share(copy, one) for one in copies):
            copy = copy.clone()
        self._note(tensor, copy, memory or _Memory(tensor._version))

    def _note(self, tensor: Tensor, copy: Tensor, memory: _Memory) -> None:
        watched = _Watched(tensor, self._dead)
        watched.key = id(tensor)
        self._known[watched.key] = _Known(watched, copy, memory)

    def _dead(self, tensor: weakref.ref[Tensor]) -> None:
        key = tensor.key  # type: ignore[attr-defined]
        found = self._known.get(key)
        if found is not None and found.tensor is tensor:
            del self._known[key]


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [one for one in result if isinstance(one, Tensor)]
    return []


def _share(one: Tensor, other: Tensor) -> bool:
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)
