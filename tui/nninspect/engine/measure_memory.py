"""The memory that a recorded forward took, and what training it would keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import torch
from torch import nn

from nninspect.engine.failures.facts import in_order
from nninspect.engine.inputs import make_arguments
from nninspect.engine.memory import (
    bytes_by_dtype,
    estimate,
    free_bytes,
    kept_for_backward,
    recorded_peak,
    trainable_bytes,
)
from nninspect.engine.recorder import CallRecorder
from nninspect.engine.structure import size_bytes
from nninspect.engine.tensors import tensors_in
from nninspect.engine.unchanged import set_mode
from nninspect.errors import Interrupted
from nninspect.protocol.memory import Memory
from nninspect.protocol.records import InputSpec, batch_of

SLOW_FORWARD_S = 2.0
"""What training keeps takes one more forward to measure; above this it is left out."""

MADE_RATIO = 0.1
"""Nor is it measured where the tensors made come to more than this share of the free memory."""


def measure_memory(
    model: nn.Module,
    recorder: CallRecorder,
    forward_s: float,
    specs: Sequence[InputSpec],
    device: torch.device,
    *,
    may_run: bool = True,
) -> Memory:
    """What a model needs at the batch of its inputs, after a forward that was recorded.

    Call it within `unchanged`: where it may, it runs one more forward, in train mode.
    """
    args, kwargs = make_arguments(specs, device)
    inputs = [tensor for _, tensor in tensors_in((args, kwargs))]
    steps, free = in_order(recorder.calls, recorder.ops), free_bytes(device)
    made = sum(step.output_bytes for step in steps)
    is_cheap = forward_s < SLOW_FORWARD_S and (free is None or made < MADE_RATIO * free)
    batch = batch_of(specs) or 1
    found = estimate(
        bytes_by_dtype(model),
        trainable_bytes(model),
        sum(map(size_bytes, inputs)),
        recorded_peak(steps, recorder.dataflow.edges),
        _kept(model, inputs, lambda: model(*args, **kwargs)) if is_cheap and may_run else None,
        measured_batch=batch,
        batch=batch,
    )
    return msgspec.structs.replace(found, free=free)


def _kept(
    model: nn.Module, inputs: Sequence[torch.Tensor], run: Callable[[], object]
) -> int | None:
    """None where the model can't be trained on these: it wants labels, or two samples."""
    set_mode(model, True)
    try:
        return kept_for_backward(model, run, inputs)
    except Interrupted:
        raise
    except BaseException:  # the user's own code, in a mode that was not asked for
        return None
