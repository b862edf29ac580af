"""The input that a layer of a kind takes when it is the first of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from nninspect.protocol.records import InputSpec

SEQUENCE = 16
"""Steps of a guessed sequence."""

SIDES_1D = (128, 1024, 16_000)
SIDES_2D = (32, 28, 64, 224, 96, 128, 256, 299)
SIDES_3D = (16, 32, 64)
"""Spatial sides to try, the commonest data sets' first."""


def first_layer(model: nn.Module) -> tuple[str, nn.Module | None]:
    """The first module of a kind that is known, and its path; one without parameters tells of
    an input where it takes rows apart."""
    for path, module in model.named_modules():
        if is_lazy_layer(module):
            return "", None  # it learns its shape from the first input, so a wrong guess would stay
        has_own = any(p is not None for p in module._parameters.values())
        tells = has_own or _features(module) or isinstance(module, nn.Unflatten)
        if tells and any(candidates(module)):
            return path, module
    return "", None


def is_lazy_layer(module: nn.Module) -> bool:
    """It learns its size from the first input that it gets."""
    return isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()


def _features(module: nn.Module) -> int:
    """What a linear layer that is none of torch's takes, a quantized one or another library's; 0
    for any other module. One that has a layer of torch's in it is no layer."""
    features = getattr(module, "in_features", None)
    if not isinstance(features, int) or any(isinstance(m, nn.Linear) for m in module.modules()):
        return 0
    return features


def candidates(layer: nn.Module) -> Iterator[InputSpec]:
    """Inputs that a layer of this kind takes first in a network, batch of one."""
    match layer:
        case nn.Linear():
            yield InputSpec((1, layer.in_features))
            yield InputSpec((1, SEQUENCE, layer.in_features))
        case nn.Conv1d() | nn.ConvTranspose1d():
            yield from _images(layer.in_channels, SIDES_1D, 1)
        case nn.Conv2d() | nn.ConvTranspose2d():
            yield from _images(layer.in_channels, SIDES_2D, 2)
        case nn.Conv3d() | nn.ConvTranspose3d():
            yield from _images(layer.in_channels, SIDES_3D, 3)
        case nn.Embedding() | nn.EmbeddingBag():
            yield InputSpec((1, SEQUENCE), "int64", "", 0, layer.num_embeddings)
            yield InputSpec((1,), "int64", "", 0, layer.num_embeddings)
        case nn.RNNBase():
            shape = (1, SEQUENCE, layer.input_size)
            if layer.batch_first:
                yield InputSpec(shape)
            else:
                yield InputSpec((SEQUENCE, 1, layer.input_size), batch_dim=1)
        case nn.RNNCellBase():
            yield InputSpec((1, layer.input_size))
        case nn.MultiheadAttention():
            yield InputSpec((1, SEQUENCE, layer.embed_dim))
        case nn.LayerNorm() | nn.RMSNorm():
            yield InputSpec((1, *layer.normalized_shape))
            yield InputSpec((1, SEQUENCE, *layer.normalized_shape))
        case nn.BatchNorm1d():
            yield InputSpec((2, layer.num_features))
            yield InputSpec((2, layer.num_features, SEQUENCE))
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            yield from _images(layer.num_features, SIDES_2D, 2)
        case nn.BatchNorm3d() | nn.InstanceNorm3d():
            yield from _images(layer.num_features, SIDES_3D, 3)
        case nn.InstanceNorm1d():
            yield from _images(layer.num_features, SIDES_1D, 1)
        case nn.GroupNorm():
            yield from _images(layer.num_channels, SIDES_2D, 2)
        case nn.Unflatten(dim=1, unflattened_size=sizes) if sizes and min(sizes) > 0:
            yield InputSpec((1, prod(sizes)))
        case nn.Bilinear():
            yield InputSpec((1, layer.in1_features))
        case _ if features := _features(layer):
            yield InputSpec((1, features))
            yield InputSpec((1, SEQUENCE, features))


def _images(channels: int, sides: Sequence[int], dims: int) -> Iterator[InputSpec]:
    for side in sides:
        yield InputSpec((1, channels) + (side,) * dims)
