"""Looking at a model without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from nninspect.engine.before import Before
from nninspect.engine.structure import walk


@contextmanager
def unchanged(model: nn.Module) -> Iterator[Before]:
    """Afterwards each module's mode, hooks and attributes, the buffers, the gradients and the
    random states are as before, whether the body returned or raised. Gradients are off within it.

    Of what attributes hold, tensors, lists, dicts, sets and deques are as before, too; what stands
    within other objects is theirs.
    """
    with Snapshot(model).kept() as before:
        yield before


class Snapshot:
    """What `unchanged` brings back, taken once for several bodies."""

    def __init__(self, model: nn.Module) -> None:
        self._model, self._modules = model, parts_of(model)
        self._training = [module.training for module in self._modules]
        self._before = Before(self._modules)

    @contextmanager
    def kept(self) -> Iterator[Before]:
        """As `unchanged`, of the model as it was when the snapshot was taken."""
        with _same_random_state(self._model), torch.no_grad():
            try:
                yield self._before
            finally:
                self._before.restore()
                for module, mode in zip(self._modules, self._training, strict=True):
                    if module.training != mode:  # to set it takes a look at all that it holds
                        module.training = mode


def parts_of(model: nn.Module) -> list[nn.Module]:
    """The model and all that it consists of, each once."""
    return [node.module for node in walk(model) if not node.is_shared]


def set_mode(model: nn.Module, training: bool) -> None:
    """`model.train(training)`, which a model may have changed; torch's never ends on a cycle."""
    try:
        model.train(training)
    except (RecursionError, NotImplementedError, TypeError):
        # an exported program refuses to; a model may have a `train` of its own, with a loader
        for node in walk(model):
            node.module.training = training


def _same_random_state(model: nn.Module) -> AbstractContextManager[None]:
    """Only for the devices that the model is on: asking another would start it up."""
    used = {t.device for t in (*model.parameters(), *model.buffers())}
    used = {device for device in used if device.type not in ("cpu", "meta")}
    kind = next(iter(used)).type if used else "cuda"
    return torch.random.fork_rng([d.index or 0 for d in used if d.type == kind], device_type=kind)
