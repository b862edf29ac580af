"""The forward as it is, without gradients."""

from __future__ import annotations

import torch

from nninspect.bench.modes.mode import Prepared, Step, Subject


class Inference:
    """What every other row is compared with."""

    name = "inference"
    work = "forward"
    changes_model = False

    def prepare(self, subject: Subject) -> Prepared:
        args, kwargs = subject.arguments

        def forward() -> object:
            return subject.model(*args, **kwargs)

        return Prepared((Step("forward", forward),), torch.inference_mode, forward)
