"""What an error says of a size: the axis, the number that was wanted, and the one that was got."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from torch import nn

from nninspect.engine.guessing.attempt import Got, Refusal


@dataclass(frozen=True)
class Mismatch:
    """One axis of one tensor had the wrong size."""

    axis: int
    want: int
    got: int
    tensor: Got | None = None
    """The tensor, where it is known."""


@dataclass(frozen=True)
class Wanted:
    """What a kind of layer takes: the size of one axis, and how many dimensions."""

    axis: int
    size: int
    dims: tuple[int, ...] = ()
    """How many dimensions, the likeliest first; () for any."""


_MATMUL = (
    re.compile(r"shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)"),
    re.compile(r"same reduction dim, but got \[\d+, (\d+)\] X \[(\d+), \d+\]"),
    re.compile(r"size mismatch, got input \(\d+\), mat \(\d+x(\d+)\), vec \((\d+)\)"),
)
_CHANNELS = re.compile(
    r"weight of size \[\d+, \d+((?:, \d+)*)\], expected input\S* to have (\d+) channels, "
    r"but got (\d+) channels"
)
_UNFLATTEN = re.compile(
    r"unflatten: Provided sizes \[([\d, ]+)\] don't multiply up to the size of dim (\d+) \((\d+)\)"
)
_ROWS = re.compile(r"^(\d+) sample became (\d+) rows$")
_VIEW = re.compile(r"shape '\[(.*?)\]' is invalid for input of size (\d+)")


def wanted(module: nn.Module | None) -> Wanted | None:
    """What torch's own layers take as their first input; None for any other module."""
    match module:
        case nn.Linear():
            return Wanted(-1, module.in_features)
        case nn.modules.conv._ConvNd():
            dims = len(module.kernel_size)
            return Wanted(-1 - dims, module.in_channels, (dims + 2, dims + 1))
        case nn.modules.instancenorm._InstanceNorm():
            dims = int(type(module).__name__[-2])
            return Wanted(-1 - dims, module.num_features, (dims + 2, dims + 1))
        case nn.BatchNorm1d():
            return Wanted(1, module.num_features, (3, 2))
        case nn.BatchNorm2d():
            return Wanted(1, module.num_features, (4,))
        case nn.BatchNorm3d():
            return Wanted(1, module.num_features, (5,))
        case nn.GroupNorm():
            return Wanted(1, module.num_channels)
        case nn.LayerNorm() | nn.RMSNorm():
            return Wanted(-1, module.normalized_shape[-1])
        case nn.RNNBase():
            return Wanted(-1, module.input_size, (3, 2))
        case nn.RNNCellBase():
            return Wanted(-1, module.input_size, (2, 1))
        case nn.MultiheadAttention():
            return Wanted(-1, module.embed_dim, (3, 2))
        case nn.TransformerEncoderLayer() | nn.TransformerDecoderLayer():
            return Wanted(-1, module.linear1.in_features, (3, 2))
        case _:
            return None


_SPLIT = re.compile(
    r"sum exactly to (\d+) \(input tensor's size at dimension (-?\d+)\), but got "
    r"split_sizes=\[([\d, ]+)\]"
)


def mismatch(refusal: Refusal) -> Mismatch | None:
    """The wrong size that a refusal is about, from the failing layer, else from its words."""
    return _of_several(refusal) or _of_layer(refusal) or _of_text(refusal.text)


def _of_layer(refusal: Refusal) -> Mismatch | None:
    takes = wanted(refusal.module)
    if takes is None or not refusal.got:
        return None
    tensor = refusal.got[0]
    if not -len(tensor.shape) <= takes.axis < len(tensor.shape):
        return None
    if takes.dims and len(tensor.shape) not in takes.dims:
        return None
    got = tensor.shape[takes.axis]
    return Mismatch(takes.axis, takes.size, got, tensor) if got != takes.size else None


def _of_several(refusal: Refusal) -> Mismatch | None:
    """Of a layer that takes inputs of different sizes, the first that is wrong."""
    sizes: tuple[int, ...]
    match refusal.module:
        case nn.Bilinear() as layer:
            sizes = (layer.in1_features, layer.in2_features)
        case nn.MultiheadAttention() as layer:
            sizes = (layer.embed_dim, layer.kdim, layer.vdim)
        case _:
            return None
    for tensor, size in zip(refusal.got, sizes, strict=False):
        if tensor.shape and tensor.shape[-1] != size:
            return Mismatch(-1, size, tensor.shape[-1], tensor)
    return None


def _of_text(text: str) -> Mismatch | None:
    for pattern in _MATMUL:
        if found := pattern.search(text):
            return Mismatch(-1, int(found[2]), int(found[1]))
    if found := _CHANNELS.search(text):
        return Mismatch(-1 - found[1].count(","), int(found[2]), int(found[3]))
    if found := _SPLIT.search(text):
        return Mismatch(int(found[2]), sum(map(int, found[3].split(","))), int(found[1]))
    if found := _UNFLATTEN.search(text):
        parts = map(int, found[1].split(","))
        return Mismatch(int(found[2]), math.prod(parts), int(found[3]))
    if found := _ROWS.search(text):
        return Mismatch(-1, int(found[1]), int(found[2]))
    return None


def viewed(text: str) -> tuple[int, int] | None:
    """What a failed `view` wanted a multiple of, and the elements that there were."""
    found = _VIEW.search(text)
    if not found:
        return None
    want = 1
    for dim in re.findall(r"-?\d+", found[1]):
        want *= max(int(dim), 1)
    return want, int(found[2])
