"""Rules that change how large the dimensions of an input are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

from torch import nn

from nninspect.engine.guessing.attempt import Refusal
from nninspect.engine.guessing.layers import SIDES_2D, candidates
from nninspect.engine.guessing.mismatch import Mismatch, mismatch, viewed, wanted
from nninspect.engine.guessing.sides import sides, square_shapes
from nninspect.engine.guessing.specs import (
    Specs,
    Tried,
    free_dims,
    is_float,
    places_of,
    replaced,
    resized,
    scaled,
    swapped,
    with_side,
    with_sides,
)


def fed_size(tried: Tried) -> Iterator[Specs]:
    """A layer that was fed an input, or a view of one: that input's size."""
    specs, refusal = tried[-1]
    wrong = mismatch(refusal)
    if wrong is None:
        return
    for place in places_of(refusal, specs):
        shape = specs[place].shape
        tensor = wrong.tensor.shape if wrong.tensor else None
        if tensor is not None and specs[place].shape != tensor:
            yield from _viewed_size(specs, place, wrong, tensor)
        elif -len(shape) <= wrong.axis < len(shape) and shape[wrong.axis] == wrong.got:
            if tensor is not None and isinstance(refusal.module, nn.Linear) and len(shape) > 3:
                yield from _of_layer(specs, place, refusal.module)
            yield resized(specs, place, wrong.axis, wrong.want)
            yield from _moved_axis(specs, place, wrong.axis % len(shape), wrong.want)


def _of_layer(specs: Specs, place: int, layer: nn.Module) -> Iterator[Specs]:
    """The layer's own kind of input, for one that was taken for another layer's."""
    for own in candidates(layer):
        yield replaced(specs, place, shape=own.shape, batch_dim=own.batch_dim)


def _viewed_size(
    specs: Specs, place: int, wrong: Mismatch, tensor: tuple[int, ...]
) -> Iterator[Specs]:
    """The input was flattened, permuted, or given another dimension before."""
    shape = specs[place].shape
    assert wrong.tensor is not None
    if wrong.tensor.origin != place:
        return
    if len(shape) == len(tensor) and sorted(shape) == sorted(tensor):
        yield from _moved_axis(specs, place, len(shape) - 1, wrong.want)
        for order in permutations(range(len(shape))):
            if order[0] == 0 and tuple(shape[one] for one in order) == tensor:
                yield resized(specs, place, order[wrong.axis], wrong.want)
                return
    if math.prod(shape) == math.prod(tensor) and len(shape) > len(tensor):
        elements = math.prod(shape[1:]) // max(wrong.got, 1) * wrong.want
        yield from _of_elements(specs, place, elements)
    if len(shape) < len(tensor):
        axis = wrong.axis if wrong.axis < 0 else wrong.axis - (len(tensor) - len(shape))
        if -len(shape) <= axis < len(shape) and shape[axis] == wrong.got:
            yield resized(specs, place, axis, wrong.want)


def _moved_axis(specs: Specs, place: int, axis: int, want: int) -> Iterator[Specs]:
    """The size that was wanted stands at another axis: the input's axes the other way round."""
    shape = list(specs[place].shape)
    if want in shape[1:]:
        other = shape.index(want, 1)
        shape[axis], shape[other] = shape[other], shape[axis]
        yield replaced(specs, place, shape=tuple(shape))


def _of_elements(specs: Specs, place: int, elements: int) -> Iterator[Specs]:
    """Shapes of that many elements a sample: images with their channels, squares, a row."""
    shape = specs[place].shape
    if len(shape) == 4:
        for channels, *area in square_shapes(elements, (shape[1], 1, 3)):
            yield replaced(specs, place, shape=(1, channels, *area))
    if len(shape) == 3 and shape[1] and elements % shape[1] == 0:
        yield replaced(specs, place, shape=(1, shape[1], elements // shape[1]))
    if len(shape) == 3 and shape[2] and elements % shape[2] == 0:
        yield replaced(specs, place, shape=(1, elements // shape[2], shape[2]))
    yield replaced(specs, place, shape=(1, elements))


def flattened(tried: Tried) -> Iterator[Specs]:
    """`view(-1, 784)` of an input itself: an image of 784 elements, or a row of them."""
    specs, refusal = tried[-1]
    found = viewed(refusal.text)
    if found is None:
        return
    want, got = found
    is_spread = refusal.text.partition("]")[0].count(",") > 1
    for place, spec in enumerate(specs):
        if math.prod(spec.shape) == got:
            if is_spread:  # a row that is made an image, not an image that is made a row
                yield replaced(specs, place, shape=(1, want))
            yield from _of_elements(specs, place, want)


def later_size(tried: Tried) -> Iterator[Specs]:
    """A layer further on: the side of the image, or the size of what was joined."""
    specs, refusal = tried[-1]
    pair = _later_pair(refusal)
    if pair is None:
        return
    want, got = pair
    for place, spec in enumerate(specs):
        if is_float(spec) and len(spec.shape) >= 3:
            alike = [other for other, one in enumerate(specs) if one.shape == spec.shape]
            for side in sides(want, free_dims(spec), _measured(tried, place)):
                if len(alike) > 1:
                    yield with_sides(specs, alike, side)
                yield with_side(specs, place, side)
        if len(spec.shape) == 5 and got and is_float(spec):  # a clip, whose frames stay
            side = round(spec.shape[-1] * math.sqrt(want / got))
            yield resized(resized(specs, place, -1, side), place, -2, side)
    wrong = mismatch(refusal)
    yield from _joined(specs, wrong.axis if wrong else -1, want, got)
    for place, spec in enumerate(specs):  # another axis became the layer's
        for axis, size in enumerate(spec.shape):
            if is_float(spec) and axis != spec.batch_dim and got and size * want % got == 0:
                yield resized(specs, place, axis, size * want // got)
    for place, spec in enumerate(specs):
        if not is_float(spec) and len(spec.shape) >= 2 and got and spec.shape[-1] * want >= got:
            yield resized(specs, place, -1, spec.shape[-1] * want // got)


def _joined(specs: Specs, axis: int, want: int, got: int) -> Iterator[Specs]:
    """What was joined before the layer: shares of what it wants, or one of them changed."""
    rows = [place for place, spec in enumerate(specs) if is_float(spec) and spec.shape]
    rows = [place for place in rows if -len(specs[place].shape) <= axis < len(specs[place].shape)]
    widths = [specs[place].shape[axis] for place in rows]
    if len(rows) > 1 and sum(widths) == got and want >= len(rows):
        shared, share = specs, want // len(rows)
        for place in rows[1:]:
            shared = resized(shared, place, axis, share)
        yield resized(shared, rows[0], axis, want - share * (len(rows) - 1))
    for place, width in zip(rows, widths, strict=True):
        yield resized(specs, place, axis, width + want - got)
        if width * want % max(got, 1) == 0:
            yield resized(specs, place, axis, width * want // max(got, 1))


def _later_pair(refusal: Refusal) -> tuple[int, int] | None:
    """(want, got) of a size that was computed from the input's."""
    if wrong := mismatch(refusal):
        return wrong.want, wrong.got
    return viewed(refusal.text)


def _measured(tried: Tried, place: int) -> list[tuple[int, int]]:
    """(side, got) of each try that the same layer refused for the same reason."""
    last = tried[-1][1]
    found = []
    for specs, refusal in tried:
        pair = _later_pair(refusal)
        same = refusal.module is last.module and len(specs) > place
        if same and pair is not None and len(specs[place].shape) == len(tried[-1][0][place].shape):
            found.append((specs[place].shape[-1], pair[1]))
    return found


def too_small(tried: Tried) -> Iterator[Specs]:
    """A kernel, a window or a pyramid that is larger than what is left of the image."""
    specs, refusal = tried[-1]
    if not _TOO_SMALL.search(refusal.text):
        return
    for factor in (2, 4, 8, 16):
        yield tuple(scaled(spec, factor) for spec in specs)


_TOO_SMALL = re.compile(
    r"Kernel size can't be greater|[Oo]utput size is too small|Padding size should be less|"
    r"smaller than kernel|too small|at least|must be (?:greater|larger)|non-positive|"
    r"negative dimension|selected index k out of range|"
    r"Expected more than 1 spatial element|maximum size for tensor"
)


def other_numbers(tried: Tried) -> Iterator[Specs]:
    """Two numbers in the message, one of which an input has: it is to have the other one."""
    specs, refusal = tried[-1]
    numbers = [int(one) for one in re.findall(r"(?<![\w.])\d{1,7}(?![\w.]*\d)", refusal.text)]
    for number in dict.fromkeys(numbers):
        for other in dict.fromkeys(numbers):
            if number != other and other > 0:
                yield swapped(specs, number, other)
                for place in range(len(specs)):
                    yield swapped(specs, number, other, only=place)
    yield from _patches(specs, numbers)


def named_number(tried: Tried) -> Iterator[Specs]:
    """The only number in the message of a check of the user's: the last size of what it names."""
    specs, refusal = tried[-1]
    numbers = set(map(int, re.findall(r"(?<![\w.])\d{1,6}(?![\w.])", refusal.text)))
    if len(numbers) == 1 and refusal.module is not None and wanted(refusal.module) is None:
        for place in refusal.mentioned:
            yield resized(specs, place, -1, next(iter(numbers)))


def _patches(specs: Specs, numbers: Sequence[int]) -> Iterator[Specs]:
    """Positions of an image's patches: their count grows with the square of the side; a class
    token may be among them."""
    for got, want in pairwise(numbers):
        for extra in (0, 1):
            if got - extra > 0 and want - extra > 0 and got != want:
                ratio = math.sqrt((want - extra) / (got - extra))
                for place, spec in enumerate(specs):
                    if len(spec.shape) == 4 and (spec.shape[-1] * ratio).is_integer():
                        yield with_side(specs, place, int(spec.shape[-1] * ratio))
                    if len(spec.shape) == 4:
                        inverse = spec.shape[-1] / ratio
                        if inverse.is_integer():
                            yield with_side(specs, place, int(inverse))


def standard_sides(tried: Tried) -> Iterator[Specs]:
    """Where nothing else is known: an image of another usual side."""
    specs, _ = tried[-1]
    for side in SIDES_2D:
        for place, spec in enumerate(specs):
            if is_float(spec) and len(spec.shape) == 4:
                yield with_side(specs, place, side)
