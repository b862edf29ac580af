"""Mult-adds of one call of one leaf module, from its shapes; torchinfo's convention, mended.

Each weight and each bias counts once for every place it is applied at. torchinfo 1.8.0 applies
a Linear once a batch entry, whatever other dimensions the input has, and counts an Embedding,
which only looks up, as a product; the rules here do neither.
"""

from __future__ import annotations

from math import prod
from typing import TypeAlias

import torch
from torch import nn

from nninspect.engine.structure import numel
from nninspect.protocol.layers import Tensors

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_Convolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d
_Transposed: TypeAlias = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_LOOKUPS = (nn.Embedding, nn.EmbeddingBag)
_RULED = (
    *(nn.Linear, *_CONVOLUTIONS, *_TRANSPOSED),
    *(nn.RNNBase, nn.MultiheadAttention, *_LOOKUPS),
)


def has_rule(module: nn.Module) -> bool:
    """Whether `mult_adds` knows its kind."""
    return isinstance(module, _RULED)


def mult_adds(module: nn.Module, inputs: Tensors, outputs: Tensors) -> int | None:
    """None for a module that there is no rule for."""
    if not inputs or not outputs:
        return None
    into, out = inputs[0].shape, outputs[0].shape
    if min((*into, *out), default=0) < 0:  # a nested tensor has no one size
        return None
    if isinstance(module, nn.Linear):
        return prod(out[:-1]) * (_weight(module) + _bias(module))
    if isinstance(module, _CONVOLUTIONS):
        spatial = len(module.kernel_size)
        places = prod(out[: -spatial - 1]) * prod(out[-spatial:])
        return places * (_weight(module) + _bias(module))
    if isinstance(module, _TRANSPOSED):
        return _transposed(module, into, out)
    if isinstance(module, nn.RNNBase):
        used = sum(numel(weight) for weight in module._flat_weights if weight is not None)
        return prod(into[:-1]) * used if len(into) > 1 else None
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module, inputs)
    if isinstance(module, _LOOKUPS):
        return 0
    return None


def _weight(module: nn.Linear | _Convolution | _Transposed) -> int:
    """Elements of the weight that multiplies; a parametrized one is not computed for it."""
    if (held := _held(module, "weight")) is not None:
        return numel(held)
    if isinstance(module, nn.Linear):
        return module.in_features * module.out_features
    return module.in_channels * module.out_channels // module.groups * prod(module.kernel_size)


def _bias(module: nn.Linear | _Convolution | _Transposed) -> int:
    if (held := _held(module, "bias")) is not None:
        return numel(held)
    if "bias" not in getattr(module, "parametrizations", ()):
        return 0
    return module.out_features if isinstance(module, nn.Linear) else module.out_channels


def _held(module: nn.Module, name: str) -> torch.Tensor | None:
    """A parameter, or what a hook puts in its place, as in a pruned layer."""
    held = module._parameters.get(name, vars(module).get(name))
    return held if isinstance(held, torch.Tensor) else None


def _weights(module: nn.Module) -> int:
    return sum(map(numel, module.parameters()))


def _attention(module: nn.MultiheadAttention, inputs: Tensors) -> int | None:
    """The projections of query, key and value and of the output, and the two products
    between them: query x key and attention x value."""
    if len(inputs) < 3 or any(len(tensor.shape) not in (2, 3) for tensor in inputs[:3]):
        return None
    query, key, _ = (tensor.shape for tensor in inputs[:3])
    time = 1 if module.batch_first and len(query) == 3 else 0
    width: int = module.embed_dim
    onward = width * width + (0 if module.in_proj_bias is None else width)
    ours = 2 * onward + 2 * key[time] * width
    theirs = _weights(module) - 2 * onward
    return prod(query[:-1]) * ours + prod(key[:-1]) * theirs


def _transposed(module: _Transposed, into: tuple[int, ...], out: tuple[int, ...]) -> int:
    """Every input element meets the whole kernel; the bias is added once an output element."""
    spatial = len(module.kernel_size)
    places = prod(into[: -spatial - 1]) * prod(into[-spatial:])
    return places * _weight(module) + (prod(out) if _bias(module) else 0)
