"""Inference with images laid out with their channels last, on a copy of the model."""

from __future__ import annotations

import torch
from torch import Tensor

from nninspect.bench.modes.forward import converted, forward_of
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject

FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""By the number of dimensions: (B, C, H, W), (B, C, D, H, W)."""


class ChannelsLast:
    """What convolutions want on tensor cores and on many CPUs."""

    name = "channels_last"
    work = "forward"
    changes_model = True

    def prepare(self, subject: Subject) -> Prepared:
        model = subject.model
        if not any(weight.dim() in FORMATS for weight in model.parameters()):
            raise NotHere(
                "no parameter has four or five dimensions, so there is no layout to change"
            )
        # `to(memory_format=...)` refuses a model that has weights of both numbers of dimensions.
        model._apply(_channels_last)
        forward = forward_of(model, converted(subject.arguments, _channels_last))
        return Prepared(
            (Step("forward", forward),),
            torch.inference_mode,
            forward,
            config={"layout": self.name},
        )


def _channels_last(tensor: Tensor) -> Tensor:
    layout = FORMATS.get(tensor.dim())
    return tensor if layout is None else tensor.contiguous(memory_format=layout)
