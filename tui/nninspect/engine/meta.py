"""Building on the meta device: shapes without values, for models of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from nninspect.engine.build import build
from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.on_meta import OnMeta
from nninspect.engine.memory import free_bytes
from nninspect.engine.structure import size_bytes
from nninspect.errors import BuildFailed
from nninspect.protocol.records import Setting
from nninspect.text import units

SHARE_OF_MEMORY = 0.5
"""Of the free memory, for the weights: the forward needs some, and so does everyone else."""


def build_on_meta(
    factory: Any, settings: Sequence[Setting], target: str
) -> tuple[nn.Module, KnownValues]:
    """`build`, the tensors on meta, and what is known of the small ones. A factory that reads other
    values, or names a device, is built on the CPU, and its values are dropped; so are those of a
    built model."""
    known = OnMeta()
    try:
        with known:
            model = build(factory, settings, target)
    except BuildFailed:
        model = build(factory, settings, target)
    if not is_on_meta(model):
        with known:
            model.to("meta")
    known.values.mark()
    return model, known.values


def is_on_meta(model: nn.Module) -> bool:
    """No tensor of it has values."""
    return all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def why_too_large(model: nn.Module) -> str:
    """Why a model that was built on meta is to stay there, a sentence; "" where it fits."""
    needed = sum(map(size_bytes, (*model.parameters(), *model.buffers())))
    free = free_bytes(torch.device("cpu"))
    if free is None or needed <= SHARE_OF_MEMORY * free:
        return ""
    return (
        f"on meta, without values: the weights take {units.size(needed)}, "
        f"and {units.size(free)} of memory are free"
    )
