"""Looking at a model without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.structure import walk

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards each module's mode and hooks, the buffers and the random state are as before,
    whether the body returned or raised. Gradients are off within it."""
    modules = [node.module for node in walk(model) if not node.is_shared]
    training = [module.training for module in modules]
    hooks = [[dict(getattr(module, name)) for name in _HOOKS] for module in modules]
    buffers = [_Buffers(module) for module in modules]
    with _same_random_state(model), torch.no_grad():
        try:
            yield
        finally:
            for module, mode, saved in zip(modules, training, hooks, strict=True):
                module.training = mode
                _restore_hooks(module, saved)
            for held in buffers:
                held.restore()


def set_mode(model: nn.Module, training: bool) -> None:
    """`model.train(training)`, which a model may have changed; torch's never ends on a cycle."""
    try:
        model.train(training)
    except RecursionError:
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


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.is_meta or torch.equal(one, other)


def _same_random_state(model: nn.Module) -> AbstractContextManager[None]:
    """Only for the devices that the model is on: asking another would start it up."""
    used = {t.device for t in (*model.parameters(), *model.buffers())}
    used = {device for device in used if device.type not in ("cpu", "meta")}
    kind = next(iter(used)).type if used else "cuda"
    return torch.random.fork_rng([d.index or 0 for d in used if d.type == kind], device_type=kind)


def _restore_hooks(module: nn.Module, saved: list[dict[int, object]]) -> None:
    for name, before in zip(_HOOKS, saved, strict=True):
        now = getattr(module, name)
        for key in [key for key in now if key not in before]:
            del now[key]
