"""Inference with weights and inputs in another floating dtype, on a copy of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from nninspect.bench.modes.forward import converted, forward_of
from nninspect.bench.modes.instructions import slow_dtype
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject
from nninspect.engine.inputs import dtype_named
from nninspect.engine.tensors import tensors_in

CONVERSIONS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "float16": nn.Module.half,
    "bfloat16": nn.Module.bfloat16,
    "float64": nn.Module.double,
}
"""Each converts floating parameters and buffers, and leaves complex and integer ones."""

NO_KERNEL = "not implemented for"
"""How torch words an op that has no kernel for a dtype on a device."""


class Dtype:
    """How much of the time is the width of the numbers."""

    work = "forward"
    changes_model = True

    def __init__(self, name: str) -> None:
        self.name = name

    def prepare(self, subject: Subject) -> Prepared:
        if self.name == "float64" and subject.device.type == "mps":
            raise NotHere("an Apple GPU has no float64")
        if not any(each.is_floating_point() for each in _held(subject)):
            raise NotHere(f"nothing in it is of a floating dtype that {self.name} could replace")
        dtype = dtype_named(self.name)
        model = CONVERSIONS[self.name](subject.model)

        def convert(tensor: Tensor) -> Tensor:
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        forward = self._told(forward_of(model, converted(subject.arguments, convert)), subject)
        slow = slow_dtype(subject.device, self.name)
        return Prepared(
            (Step("forward", forward),),
            torch.inference_mode,
            forward,
            labels=(slow,) if slow else (),
            config={"dtype": self.name},
        )

    def _told(self, forward: Callable[[], object], subject: Subject) -> Callable[[], object]:
        """The forward, with a missing kernel told as what it is. To try costs no time."""

        def told() -> object:
            try:
                return forward()
            except RuntimeError as error:
                if NO_KERNEL not in str(error):
                    raise
                raise NotHere(f"no {self.name} kernel on {subject.device}: {error}") from error

        return told


def _held(subject: Subject) -> Iterator[Tensor]:
    """Weights, buffers and inputs."""
    yield from subject.model.parameters()
    yield from subject.model.buffers()
    yield from (tensor for _, tensor in tensors_in(subject.arguments))


def float16() -> Dtype:
    return Dtype("float16")


def bfloat16() -> Dtype:
    return Dtype("bfloat16")


def float64() -> Dtype:
    return Dtype("float64")
