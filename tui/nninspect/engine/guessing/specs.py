"""Inputs to try: what is known of them, and how one is changed into the next. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from nninspect.engine.guessing.attempt import Refusal
from nninspect.protocol.records import InputSpec

Specs: TypeAlias = tuple[InputSpec, ...]
Tried: TypeAlias = Sequence[tuple[Specs, Refusal]]
"""What was tried before on the way here, and the latest."""

MAX_DIM = 200_000
MAX_TOKENS = 4_096
MAX_ELEMENTS = 2**22
"""Bounds on what is tried: attention takes the square of a length, and a killed worker says
nothing."""


def places_of(refusal: Refusal, specs: Specs) -> list[int]:
    """The inputs that a refusal can be about, the likeliest first."""
    fed = [got.origin for got in refusal.got if 0 <= got.origin < len(specs)]
    if fed:
        return list(dict.fromkeys([*(one for one in refusal.mentioned if one in fed), *fed]))
    shapes = [got.shape for got in refusal.got]
    alike = (place for place, spec in enumerate(specs) if spec.shape in shapes)
    named = (place for place in refusal.mentioned if place < len(specs))
    return list(dict.fromkeys([*named, *alike, *range(len(specs))]))


def is_affordable(spec: InputSpec) -> bool:
    longest = max(spec.shape, default=1)
    return math.prod(spec.shape) <= MAX_ELEMENTS and (is_float(spec) or longest <= MAX_TOKENS)


def is_float(spec: InputSpec) -> bool:
    return spec.dtype.startswith(("float", "bfloat"))


def replaced(specs: Specs, place: int, **changes: object) -> Specs:
    changed = msgspec.structs.replace(specs[place], **changes)
    return (*specs[:place], changed, *specs[place + 1 :])


def resized(specs: Specs, place: int, axis: int, size: int) -> Specs:
    shape = list(specs[place].shape)
    if not 0 < size <= MAX_DIM or not -len(shape) <= axis < len(shape):
        return specs
    shape[axis] = size
    return replaced(specs, place, shape=tuple(shape))


def with_side(specs: Specs, place: int, side: int) -> Specs:
    shape = specs[place].shape
    count = free_dims(specs[place])
    if len(shape) == 5:  # a video keeps its frames
        count = 2 if shape[2] != shape[3] else 3
    return replaced(specs, place, shape=(*shape[: len(shape) - count], *(side,) * count))


def with_sides(specs: Specs, places: Sequence[int], side: int) -> Specs:
    for place in places:
        specs = with_side(specs, place, side)
    return specs


def scaled(spec: InputSpec, factor: int) -> InputSpec:
    """Twice as large, …: the sides of an image, the length of a signal or of a sequence."""
    shape = list(spec.shape)
    kept = 2 if is_float(spec) and len(shape) > 2 else 1
    for axis in range(kept, len(shape)):
        shape[axis] *= factor
    return msgspec.structs.replace(spec, shape=tuple(shape))


def swapped(specs: Specs, number: int, other: int, only: int | None = None) -> Specs:
    """Every dimension of one size made the other; the batch stays."""
    if not 0 < other <= MAX_DIM:
        return specs
    changed = list(specs)
    for place, spec in enumerate(specs):
        if only in (None, place):
            shape = tuple(
                other if dim == number and axis != spec.batch_dim else dim
                for axis, dim in enumerate(spec.shape)
            )
            changed[place] = msgspec.structs.replace(spec, shape=shape)
    return tuple(changed)


def free_dims(spec: InputSpec) -> int:
    """The dimensions that grow with the side: all but the batch and the channels."""
    return max(len(spec.shape) - 2, 1)
