"""Inputs that fit what was read of an argument, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
import torch
from torch import nn

from nninspect.engine.guessing.layers import SEQUENCE, candidates, first_layer
from nninspect.engine.guessing.reading.values import Reading, Use
from nninspect.protocol.records import InputSpec

_MAIN = frozenset({"input", "query", "key", "value", "src", "tgt", "x", "hx"})
_BATCH = re.compile(r"^(?:b|n|bs|bsz|bsize|batch\w*|n_?batch\w*|num_?batch\w*)$", re.IGNORECASE)
_SIDE = re.compile(r"^(?:h|w|height|width|ny|nx|rows|cols)$", re.IGNORECASE)
_CHANNELS = re.compile(r"^(?:c|ch|chan|channels?|in_channels?)$", re.IGNORECASE)
_SIDE_OF_IMAGES = 32
_COLOURS = 3


def options_of(reading: Reading, *, whole: bool) -> tuple[InputSpec, ...]:
    """`whole`: only from a layer that gets the argument as it came; else from all that is known:
    layers that get it changed, and the names of its dimensions."""
    use = next((one for one in reading.uses if one.is_whole and one.argument in _MAIN), None)
    if use is not None and whole:
        found = tuple(_taken(use))
        return ordered(found, reading)
    if whole:
        return ()
    if reading.is_index:
        return tuple(InputSpec((size,), "int64", low=0, high=2) for size in (1, SEQUENCE))
    use = next((one for one in reading.uses if one.argument in _MAIN), None)
    later = tuple(_taken(use)) if use is not None else ()
    if reading.dims:
        fits = tuple(spec for spec in later if len(spec.shape) == len(reading.dims))
        return (*fits, _of_dims(reading.dims, later))
    return ordered(later, reading)


def ordered(found: tuple[InputSpec, ...], reading: Reading) -> tuple[InputSpec, ...]:
    """Those with as many dimensions as the shape is unpacked into first; tokens with time first
    where that is how they are taken."""
    if reading.is_time_first:
        found = (*map(time_first, found),)
    if reading.is_stacked:
        found = tuple(msgspec.structs.replace(one, shape=one.shape[1:]) for one in found)
    count, least = len(reading.dims), reading.least_dims

    def misses(spec: InputSpec) -> bool:
        return len(spec.shape) != count if count else len(spec.shape) < least

    return tuple(sorted(found, key=misses))


def time_first(spec: InputSpec) -> InputSpec:
    """Tokens (batch, time) as (time, batch)."""
    if len(spec.shape) != 2 or spec.batch_dim or not spec.dtype.startswith("int"):
        return spec
    return msgspec.structs.replace(spec, shape=spec.shape[::-1], batch_dim=1)


def _taken(use: Use) -> Iterator[InputSpec]:
    layer = use.layer
    if isinstance(layer, torch.Tensor):
        yield InputSpec((1, layer.shape[0]))
        yield InputSpec((1, SEQUENCE, layer.shape[0]))
    elif use.argument == "hx":
        yield from _state(layer)
    elif use.argument in _MAIN:
        known = layer if any(candidates(layer)) else first_layer(layer)[1]
        found = candidates(known) if known is not None else iter(())
        is_lookup = isinstance(known, (nn.Embedding, nn.EmbeddingBag))
        if use.step_of is None or is_lookup:
            yield from found
        else:
            yield from (_of_steps(one, use.step_of) for one in found)


def _of_steps(spec: InputSpec, axis: int) -> InputSpec:
    """What has such a one at each step, along that dimension."""
    if len(spec.shape) <= axis:
        return spec
    shape = (*spec.shape[:axis], SEQUENCE, *spec.shape[axis:])
    batch_dim = spec.batch_dim + (axis <= spec.batch_dim)
    return msgspec.structs.replace(spec, shape=shape, batch_dim=batch_dim)


def _state(layer: nn.Module) -> Iterator[InputSpec]:
    if isinstance(layer, nn.RNNBase):
        ways = 2 if layer.bidirectional else 1
        yield InputSpec((layer.num_layers * ways, 1, layer.hidden_size), batch_dim=1)
    elif isinstance(layer, nn.RNNCellBase):
        yield InputSpec((1, layer.hidden_size))


def _of_dims(dims: Sequence[str], later: Sequence[InputSpec]) -> InputSpec:
    """By the names that the forward gives them: `b, c, h, w = x.shape` is an image."""
    batch = next((place for place, name in enumerate(dims) if _BATCH.match(name)), 0)
    has_sides = any(map(_SIDE.match, dims))
    like = later[0] if later else InputSpec(())
    shape = []
    for place, name in enumerate(dims):
        if place == batch:
            size = 1
        elif _SIDE.match(name):
            size = _SIDE_OF_IMAGES
        elif _CHANNELS.match(name) and has_sides:
            size = like.shape[1] if len(like.shape) == len(dims) else _COLOURS
        elif place == len(dims) - 1 and like.shape and like.dtype.startswith("float"):
            size = like.shape[-1]
        else:
            size = SEQUENCE
        shape.append(size)
    return msgspec.structs.replace(like, shape=tuple(shape), batch_dim=batch)
