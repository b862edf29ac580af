"""One forward of a model: what came out, or what was raised; and the samples that it gets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from nninspect.doctor.trace import is_loss_key
from nninspect.engine.blame import described
from nninspect.engine.inputs import Arguments, as_arguments, make_tensors
from nninspect.engine.tensors import tensors_in
from nninspect.errors import Interrupted
from nninspect.protocol.records import InputSpec

BATCH = 4
"""Samples of a probe, unless its rule asks for another number."""
ROUNDING = 1e-6
"""Of the largest output: two runs of the same sample that differ by less are the same."""


@dataclass(frozen=True)
class Run:
    """One forward of a random batch: what came out, or what was raised."""

    outputs: tuple[tuple[str, torch.Tensor], ...] = ()
    """Keys and detached tensors, losses among them."""
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def failure(self) -> str:
        """The exception in a line; "" where it worked."""
        return "" if self.error is None else described(self.error)

    @property
    def output(self) -> torch.Tensor | None:
        """The primary output: the first that is no loss."""
        return next((tensor for key, tensor in self.outputs if not is_loss_key(key)), None)


def call(model: nn.Module, arguments: Arguments) -> Run:
    args, kwargs = arguments
    started = time.perf_counter()
    try:
        result = model(*args, **kwargs)
    except Interrupted:
        raise
    except BaseException as error:  # whatever it is, the model's code raised it
        return Run(error=error)
    outputs = tuple((key, tensor.detach()) for key, tensor in tensors_in(result))
    return Run(outputs, seconds=time.perf_counter() - started)


def counted(model: nn.Module) -> dict[tuple[int, str], float]:
    """The plain numbers in its attributes, by module and name: what a forward may count on."""
    return {
        (id(module), name): value
        for module in model.modules()
        for name, value in vars(module).items()
        if type(value) in (int, float)
    }


def samples(
    inputs: Sequence[InputSpec],
    device: torch.device,
    batch: int,
    seed: int = 0,
    first_from: int | None = None,
) -> Arguments:
    """A random batch. One of fewer samples than another of the same seed is that one's end, up to
    BATCH + 1; `first_from` replaces the first sample by the one of that other seed."""
    made = _tensors(inputs, device, batch, seed)
    if first_from is not None:
        other = _tensors(inputs, device, batch, first_from)
        for spec, mine, theirs in zip(inputs, made, other, strict=True):
            if spec.shape:
                mine.select(spec.batch_dim, 0).copy_(theirs.select(spec.batch_dim, 0))
    return as_arguments(inputs, made)


def _tensors(
    inputs: Sequence[InputSpec], device: torch.device, batch: int, seed: int
) -> list[torch.Tensor]:
    most = max(batch, BATCH + 1)
    made = make_tensors([spec.with_batch(most) for spec in inputs], device, seed)
    return [
        tensor.narrow(spec.batch_dim, most - batch, batch).clone() if spec.shape else tensor
        for spec, tensor in zip(inputs, made, strict=True)
    ]


def is_same(one: torch.Tensor | None, more: torch.Tensor | None) -> bool:
    """Whether each sample's output is the same with one more sample in front of the batch."""
    if one is None or more is None or not one.dim() or not one.is_floating_point():
        return False
    if more.shape != (one.shape[0] + 1, *one.shape[1:]) or not bool(one.isfinite().all()):
        return False
    most = one.abs().amax() if one.numel() else one.new_zeros(())
    return bool((more[1:] - one).abs().le(ROUNDING * most).all())
