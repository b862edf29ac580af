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
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from nninspect.engine.dry_run.op_kinds import (
    in_place_of,
    is_drawn,
    is_unwritten,
    takes_no_values,
    writes,
)
from nninspect.engine.dry_run.operands import (
    FREE,
    KINDS,
    MOST,
    MOST_IN_ALL,
    Known,
    Memory,
    Operands,
    Watched,
    operands_of,
)

_LEAVING = frozenset({"cpu", "numpy", "__array__"})


class KnownValues:
    """What is known of the tensors of one dry run, for as long as each of them lives."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}
        self._first: list[Known] = []
        self._left = MOST_IN_ALL

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
        if type(first) in KINDS and id(first) not in self._known and first.is_meta:  # mostly
            if not takes_no_values(name) or first.numel() > MOST:
                return None
            args = (in_place_of(first, name), *args[1:])
        if is_drawn(name) or torch._C._functorch.peek_interpreter_stack() is not None:
            return None
        return operands_of(args, kwargs, self._of, leaves_meta=name in _LEAVING)

    def follow(self, func: Callable[..., Any], operands: Operands, result: Any) -> None:
        """Run the call, which gave this on meta, on the copies as well."""
        made, is_write = _tensors(result), writes(func, operands.kwargs)
        written = [tensor for tensor, _ in operands.tensors] if is_write else []
        if not any(one.is_meta for one in (*made, *written)):
            return
        if any(self._is_too_large(one) or _is_a_weight(func, one) for one in made):
            return
        if is_write and operands.real:
            return  # which may have been written to
        try:
            real = _run(func, operands)
        except Exception:  # what a value makes fail is for the real forward to meet
            return
        for tensor, known in operands.tensors:
            known.memory.version = tensor._version
        for one, value in zip(made, _tensors(real), strict=False):
            self._keep(one, value, operands)

    def answer(self, func: Callable[..., Any], operands: Operands) -> Any:
        """What the call gives that could not be run on meta. Raises what it raises."""
        real = _run(func, operands)
        for tensor, known in operands.tensors:
            known.memory.version = tensor._version
            if real is known.copy and not operands.leaves_meta:  # it was written to
                return tensor
        return real if operands.leaves_meta else self.onto_meta(real)

    def all_on_meta(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments of a call, those on the CPU on meta as the others are; None where they
        are all of one device."""
        flat, spec = tree_flatten((args, kwargs))
        devices = {one.device.type for one in flat if type(one) in KINDS}
        if devices != {"cpu", "meta"}:
            return None
        moved = [self.onto_meta(one.detach()) if _is_on_cpu(one) else one for one in flat]
        found: tuple[tuple[Any, ...], dict[str, Any]] = tree_unflatten(moved, spec)
        return found

    def access(self, func: Callable[..., Any], args: Sequence[Any], result: Any) -> None:
        """An attribute was set, or gave this: `x.T` is known where x is. `x.data` shares the memory
        of x and not its version: from then on it alone is known."""
        tensor = args[0]
        if func.__name__ != "__get__":
            self._drop(id(tensor))
        elif type(result) is not Tensor:
            return
        elif func.__self__.__name__ != "data":  # type: ignore[attr-defined]
            if (operands := self.operands(func, args, {})) is not None:
                self.follow(func, operands, result)
        elif (known := self._of(tensor)) is not None:
            self._drop(id(tensor))
            self._note(result, known.copy.clone(), Memory(result._version))

    def mark(self) -> None:
        """What is known now is what `restore` brings back, of what lives then."""
        self._first = [
            Known(known.tensor, known.copy.clone(), Memory(known.memory.version))
            for known in self._known.values()
        ]

    def restore(self) -> None:
        """The tensors are as they were when this was marked."""
        for first in self._first:
            tensor = first.tensor()
            if tensor is None or first.memory.version == tensor._version:
                continue
            first.memory.version = tensor._version
            self._note(tensor, first.copy.clone(), Memory(tensor._version))

    def onto_meta(self, real: Any) -> Any:
        """The same without values, which are known."""
        if type(real) is Tensor:
            tensor = real.to("meta")
            self._keep(tensor, real, Operands(real=[real]))
            return tensor
        if isinstance(real, (tuple, list)) and any(map(torch.is_tensor, real)):
            parts = [self.onto_meta(part) for part in real]
            return parts if isinstance(real, list) else tuple(parts)
        return real

    def _of(self, tensor: Tensor) -> Known | None:
        found = self._known.get(id(tensor))
        if found is None or found.tensor() is not tensor:
            return None
        if found.memory.version != tensor._version:
            self._drop(id(tensor))
            return None
        return found

    def _keep(self, tensor: Tensor, copy: Any, operands: Operands) -> None:
        """The copy is the tensor's, if it shares its memory as the tensor does."""
        if type(tensor) is not Tensor or not tensor.is_meta or tensor.is_inference():
            return
        if type(copy) is not Tensor or copy.is_meta or copy.requires_grad:
            return
        if self._is_too_large(copy):
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
        self._note(tensor, copy, memory or Memory(tensor._version))

    def _note(self, tensor: Tensor, copy: Tensor, memory: Memory) -> None:
        watched = Watched(tensor, self._dead)
        watched.key = id(tensor)
        self._drop(watched.key)
        self._known[watched.key] = Known(watched, copy, memory)
        self._left -= _counted(copy)

    def _dead(self, tensor: weakref.ref[Tensor]) -> None:
        assert isinstance(tensor, Watched)
        key = tensor.key
        found = self._known.get(key)
        if found is not None and found.tensor is tensor:
            self._drop(key)

    def _drop(self, key: int) -> None:
        if (known := self._known.pop(key, None)) is not None:
            self._left += _counted(known.copy)

    def _is_too_large(self, tensor: Tensor) -> bool:
        return tensor.numel() > MOST or _counted(tensor) > self._left


def _counted(tensor: Tensor) -> int:
    size = tensor.numel()
    return size if size > FREE else 0


def _is_a_weight(func: Callable[..., Any], made: Tensor) -> bool:
    """Memory for numbers that are computed, or drawn, later on."""
    return made.is_floating_point() and is_unwritten(getattr(func, "__name__", ""))


def _run(func: Callable[..., Any], operands: Operands) -> Any:
    with torch._C.DisableTorchFunction():  # `torch.device("meta")` is a mode as well
        found = func(*operands.args, **operands.kwargs)
        return found.zero_() if is_unwritten(getattr(func, "__name__", "")) else found


def _is_on_cpu(value: Any) -> bool:
    return type(value) in KINDS and value.device.type == "cpu"


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [one for one in result if isinstance(one, Tensor)]
    return []


def _share(one: Tensor, other: Tensor) -> bool:
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)
