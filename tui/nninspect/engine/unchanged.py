"""Looking at a model without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn
from torch.nn.parameter import is_lazy

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards each module's mode and hooks, the buffers and the random state are as before,
    whether the body returned or raised. Gradients are off within it."""
    modules = list(model.modules())
    training = [module.training for module in modules]
    hooks = [[dict(getattr(module, name)) for name in _HOOKS] for module in modules]
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers() if not is_lazy(buffer)
    ]
    with _same_random_state(model), torch.no_grad():
        try:
            yield
        finally:
            for module, mode, saved in zip(modules, training, hooks, strict=True):
                module.training = mode
                _restore_hooks(module, saved)
            _restore_buffers(buffers)


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


def _restore_buffers(buffers: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for buffer, before in buffers:
        if buffer.shape == before.shape and buffer.device == before.device:
            buffer.copy_(before)
