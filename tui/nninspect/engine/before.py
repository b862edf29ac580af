"""A model as it was before a look: what its names stand for, and what is in its tensors."""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import is_
from typing import Any, Protocol

import torch
from torch import nn
from torch.jit import ScriptModule
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.engine.structure import size_bytes

MAX_KEPT_BYTES = 64 * 2**20
MAX_KEPT_PARAMETERS = 2_000
"""Parameters up to this size and number in all are kept as well: a forward that writes to them, as
a momentum encoder's does, is mostly of a small model, and a second copy of a large one may not
fit."""

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_hooks",
    "_backward_pre_hooks",
)
_CONTAINERS = frozenset({list, dict, set, deque})
_NOT_THE_USERS = frozenset({"_buffers", "_non_persistent_buffers_set"})


class Restored(Protocol):
    """Something that can be brought back to what it was."""

    def restore(self) -> None: ...


class Before:
    """A model as it was, to be brought back there before it runs again."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        """`modules`: the model and all its parts, each once."""
        parameters = [p for module in modules for p in _parameters(module)]
        self._kept: list[Restored] = [
            *(held for module in modules for held in _named(module)),
            *map(_Hooks, modules),
            *(_Buffers(module) for module in modules if module._buffers),
            *map(_Gradient, parameters),
        ]
        if len(parameters) <= MAX_KEPT_PARAMETERS and _size(parameters) <= MAX_KEPT_BYTES:
            self._kept += map(_Value, parameters)
        self._put_random_back = _random_states()

    def keep(self, held: Restored) -> None:
        """This as well is to be as it was."""
        self._kept.append(held)

    def restore(self) -> None:
        """All but the modes, and an accelerator's random state: those are for `unchanged`."""
        for held in self._kept:
            held.restore()
        self._put_random_back()


def _size(parameters: Sequence[nn.Parameter]) -> int:
    return sum(map(size_bytes, parameters))


def _named(module: nn.Module) -> Iterator[_Names | _Items | _Value]:
    """What a module's names stand for, its parameters and parts among them, and what is in them.
    A lazy one takes its sizes for good, and a ScriptModule's can't be set."""
    if isinstance(module, (LazyModuleMixin, ScriptModule)):
        return
    held = vars(module)
    yield _Names(held)
    if is_leaf_of_torch(module):  # most modules are, and keep nothing that a forward could change
        if module._parameters:
            yield _Names(module._parameters)
        return
    for name, value in held.items():
        if isinstance(value, torch.Tensor):
            yield _Value(value)
        elif type(value) in _CONTAINERS and name not in _NOT_THE_USERS:
            yield _Names(value) if type(value) is dict else _Items(value)


class _Names:
    """What each key of a dict stands for: which object, not what is in it."""

    __slots__ = ("_held", "_keys", "_mode", "_values")

    def __init__(self, held: dict[str, Any]) -> None:
        self._held, self._keys, self._values = held, tuple(held), tuple(held.values())
        self._mode = held.get("training")

    def restore(self) -> None:
        held = self._held
        mode = held.get("training")
        same = sum(map(is_, held.values(), self._values)) + (mode is not self._mode)
        if same == len(held) == len(self._keys) and all(map(is_, held, self._keys)):
            return
        if _is_elsewhere(held, self._keys, self._values):
            return
        held.clear()
        held.update(zip(self._keys, self._values, strict=True))
        if self._mode is not None and mode is not None:
            held["training"] = mode


def _is_elsewhere(held: dict[str, Any], keys: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    """The same parameters, on another device, where the model was moved to meanwhile."""
    return any(
        isinstance(now := held.get(key), torch.Tensor)
        and isinstance(value, torch.Tensor)
        and now.device != value.device
        for key, value in zip(keys, values, strict=True)
    )


class _Items:
    """What is in a list, a set or a deque."""

    __slots__ = ("_before", "_held")

    def __init__(self, held: Any) -> None:
        self._held, self._before = held, held.copy()

    def restore(self) -> None:
        held, before = self._held, self._before
        if len(held) == len(before) and all(map(is_, held, before)):
            return
        held.clear()
        (held.update if isinstance(held, set) else held.extend)(before)


class _Value:
    """What is in one tensor."""

    __slots__ = ("_tensor", "_value")

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor, self._value = tensor, tensor.detach().clone()

    def restore(self) -> None:
        if self._tensor.shape != self._value.shape:
            self._tensor.data = self._value.clone()
        elif not _is_equal(self._tensor, self._value):
            with torch.no_grad():
                self._tensor.copy_(self._value)


class _Buffers:
    """The buffers of one module: which tensor each name has, and what is in it."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._tensors = {
            name: buffer
            for name, buffer in module._buffers.items()
            if buffer is not None and not is_lazy(buffer)
        }
        self._values = list(map(_Value, self._tensors.values()))

    def restore(self) -> None:
        for name, before in self._tensors.items():
            held = self._module._buffers.get(name)
            if held is not before and held is not None and held.device == before.device:
                self._module._buffers[name] = before
        for value in self._values:
            value.restore()


class _Gradient:
    """The gradient of one parameter: which tensor, and what is in it."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self._parameter = parameter
        self._tensor = parameter.grad
        self._value = None if self._tensor is None else self._tensor.clone()

    def restore(self) -> None:
        if self._parameter.grad is not self._tensor:
            self._parameter.grad = self._tensor
        if self._tensor is not None and self._value is not None:
            self._tensor.copy_(self._value)


def _parameters(module: nn.Module) -> list[nn.Parameter]:
    """A module's own that can have a gradient."""
    return [p for p in module._parameters.values() if p is not None and not is_lazy(p)]


class _Hooks:
    """The hooks of one module. Those of a lazy one go for good when its sizes are known."""

    def __init__(self, module: nn.Module) -> None:
        self._is_lazy = isinstance(module, LazyModuleMixin)
        found = [getattr(module, name, None) for name in _HOOKS]
        self._held = [(held, dict(held)) for held in found if held is not None]

    def restore(self) -> None:
        for held, before in self._held:
            if held.keys() != before.keys():
                kept = {
                    key: hook for key, hook in before.items() if key in held or not self._is_lazy
                }
                held.clear()
                held.update(kept)


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Not known where a layout has no comparison, as sparse ones: then it is written back."""
    try:
        return one.is_meta or torch.equal(one, other)
    except RuntimeError:
        return False


def _random_states() -> Callable[[], None]:
    """Puts back the random state of the CPU: torch's, Python's, and NumPy's where it is in use."""
    state, torchs = random.getstate(), torch.get_rng_state()
    numpy = sys.modules.get("numpy")
    numpys = numpy.random.get_state() if numpy is not None else None

    def put_back() -> None:
        random.setstate(state)
        torch.set_rng_state(torchs)
        if numpy is not None:
            numpy.random.set_state(numpys)

    return put_back
