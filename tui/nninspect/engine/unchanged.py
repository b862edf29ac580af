"""Looking at a model without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from nninspect.engine.structure import walk

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_hooks",
    "_backward_pre_hooks",
)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards each module's mode and hooks, the buffers, the gradients and the random state are
    as before, whether the body returned or raised. Gradients are off within it."""
    with Snapshot(model).kept():
        yield


class Snapshot:
    """What `unchanged` brings back, taken once for several bodies."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._modules = [node.module for node in walk(model) if not node.is_shared]
        self._training = [module.training for module in self._modules]
        self._held: list[_Hooks | _Buffers | _Gradient] = [
            *map(_Hooks, self._modules),
            *(_Buffers(module) for module in self._modules if module._buffers),
            *(_Gradient(p) for module in self._modules for p in _parameters(module)),
        ]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """As `unchanged`, of the model as it was when the snapshot was taken."""
        with _same_random_state(self._model), torch.no_grad():
            try:
                yield
            finally:
                for module, mode in zip(self._modules, self._training, strict=True):
                    if module.training != mode:  # to set it takes a look at all that it holds
                        module.training = mode
                for held in self._held:
                    held.restore()


def set_mode(model: nn.Module, training: bool) -> None:
    """`model.train(training)`, which a model may have changed; torch's never ends on a cycle."""
    try:
        model.train(training)
    except (RecursionError, NotImplementedError):  # an exported program refuses to
        for node in walk(model):
            node.module.training = training


class _Buffers:
    """The buffers of one module: which tensor each name has, and what is in it."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._tensors = {
            name: buffer
            for name, buffer in module._buffers.items()
            if buffer is not None and not is_lazy(buffer)
        }
        self._values = {name: held.detach().clone() for name, held in self._tensors.items()}

    def restore(self) -> None:
        for name, value in self._values.items():
            held, before = self._module._buffers.get(name), self._tensors[name]
            if held is not before and held is not None and held.device == before.device:
                self._module._buffers[name] = before
            if before.shape != value.shape:
                before.data = value
            elif not _is_equal(before, value):
                before.copy_(value)


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
    except (RuntimeError, NotImplementedError):
        return False


def _same_random_state(model: nn.Module) -> AbstractContextManager[None]:
    """Only for the devices that the model is on: asking another would start it up."""
    used = {t.device for t in (*model.parameters(), *model.buffers())}
    used = {device for device in used if device.type not in ("cpu", "meta")}
    kind = next(iter(used)).type if used else "cuda"
    return torch.random.fork_rng([d.index or 0 for d in used if d.type == kind], device_type=kind)
