"""A training step: forward, backward and optimizer, on a copy of the model."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject
from nninspect.engine.tensors import tensors_in
from nninspect.engine.unchanged import set_mode

LEARNING_RATE = 1e-3


class Train:
    """SGD on the mean square of every output: a loss that any model has, and cheap.

    The optimizer's state and the learned weights stay in the copy.
    """

    name = "train"
    work = "training step"
    changes_model = True

    def prepare(self, subject: Subject) -> Prepared:
        model = subject.model
        set_mode(model, True)
        weights = [each for each in model.parameters() if each.requires_grad]
        if not weights:
            raise NotHere("no parameter asks for a gradient, so there is nothing to train")
        step = _Step(subject, torch.optim.SGD(weights, lr=LEARNING_RATE))
        steps = (
            Step("forward", step.forward),
            Step("backward", step.backward),
            Step("optimizer", step.optimize),
        )
        return Prepared(steps, torch.enable_grad)


class _Step:
    """One training step in three parts; the loss goes from one to the next."""

    def __init__(self, subject: Subject, optimizer: torch.optim.Optimizer) -> None:
        self._subject = subject
        self._optimizer = optimizer
        self._loss: Tensor | None = None

    def forward(self) -> Tensor:
        args, kwargs = self._subject.arguments
        self._loss = _loss(self._subject.model(*args, **kwargs))
        return self._loss

    def backward(self) -> None:
        assert self._loss is not None
        self._loss.backward()
        self._loss = None

    def optimize(self) -> None:
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)


def _loss(output: object) -> Tensor:
    squares = [_magnitude(each).square().mean() for each in _learnable(output)]
    if not squares:
        raise NotHere("no output asks for a gradient, so there is nothing to train by")
    return torch.stack(squares).sum()


def _learnable(output: object) -> Iterator[Tensor]:
    return (each for _, each in tensors_in(output) if each.requires_grad)


def _magnitude(output: Tensor) -> Tensor:
    return output.abs() if output.is_complex() else output.float()
