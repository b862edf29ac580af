"""From an input and what a model said against it to better inputs, the likeliest first.

Pure: it looks at the refusal's words, at the failing layer and at the specs, and runs nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, permutations
from typing import TypeAlias

import msgspec
from torch import nn

from nninspect.engine.guessing.attempt import Refusal
from nninspect.engine.guessing.layers import SEQUENCE, SIDES_2D, candidates
from nninspect.engine.guessing.mismatch import Mismatch, mismatch, viewed, wanted
from nninspect.engine.guessing.sides import sides, square_shapes
from nninspect.protocol.records import InputSpec

Specs: TypeAlias = tuple[InputSpec, ...]
Tried: TypeAlias = Sequence[tuple[Specs, Refusal]]
"""What was tried before on the way here, and the latest."""

MAX_PROPOSALS = 12
MAX_DIM = 200_000
MAX_TOKENS = 4_096
MAX_ELEMENTS = 2**22
"""Bounds on what is tried: attention takes the square of a length, and a killed worker says
nothing."""


def refine(tried: Tried) -> Iterator[Specs]:
    """Inputs to try after the latest refusal, none of them twice."""
    specs, _ = tried[-1]
    seen = {specs}
    for rule in _RULES:
        for better in rule(tried):
            if better not in seen and all(map(_is_affordable, better)):
                seen.add(better)
                yield better
            if len(seen) > MAX_PROPOSALS:
                return


# Arguments


def _arguments(tried: Tried) -> Iterator[Specs]:
    """One too many or too few where `*args` hands them on."""
    specs, refusal = tried[-1]
    if re.search(r"missing \d+ required positional argument", refusal.text) and specs:
        yield (*specs, msgspec.structs.replace(specs[0], name=""))
    if found := re.search(r"unexpected keyword argument '(\w+)'", refusal.text):
        yield tuple(spec for spec in specs if spec.name != found[1])


def _batch_of_two(tried: Tried) -> Iterator[Specs]:
    specs, refusal = tried[-1]
    if "more than 1 value per channel when training" in refusal.text:
        yield tuple(spec.with_batch(2) for spec in specs)


# Kinds of values


def _integers(tried: Tried) -> Iterator[Specs]:
    """Indices where floats were given."""
    specs, refusal = tried[-1]
    if not _INDICES.search(refusal.text) and not _floats_into_embedding(refusal):
        return
    layer = refusal.module
    high = layer.num_embeddings if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) else 2
    for place in _places(refusal, specs):
        if _is_float(specs[place]):
            shape = specs[place].shape
            yield _with(specs, place, dtype="int64", low=0, high=high)
            yield _with(specs, place, dtype="int64", low=0, high=high, shape=(1, SEQUENCE))
            yield _with(specs, place, dtype="int64", low=0, high=high, shape=shape[:1])


_INDICES = re.compile(
    r"scalar types?: Long|used as indices must be|index tensor|to be one of: Long|"
    r"expected scalar type Long|Expected tensor for argument #\d 'ind|"
    r"index\w* (?:must|should) be|dtype int64 for index|must be int|object cannot be interpreted"
)


def _floats_into_embedding(refusal: Refusal) -> bool:
    is_embedding = isinstance(refusal.module, (nn.Embedding, nn.EmbeddingBag))
    return is_embedding and bool(refusal.got) and refusal.got[0].dtype.startswith(("fl", "bf"))


def _floats(tried: Tried) -> Iterator[Specs]:
    """Floats where integers were given."""
    specs, refusal = tried[-1]
    if not _FLOATS.search(refusal.text):
        return
    for place in _places(refusal, specs):
        if not _is_float(specs[place]):
            yield _with(specs, place, dtype="float32", low=None, high=None)


_FLOATS = re.compile(
    r"same dtype|not implemented for '(?:Long|Int|Bool)|expected scalar type \w*(?:Float|Half|"
    r"Double)|must be floating|floating point|Float but found Long|got: long int|Input type \("
    r"|mixed dtype|Expected all tensors to have the same dtype|should be float"
)


def _booleans(tried: Tried) -> Iterator[Specs]:
    """True where a mask is to be boolean, and 0 or 1 where it is to be a number."""
    specs, refusal = tried[-1]
    if re.search(r"bool(?:ean)?", refusal.text, re.IGNORECASE):
        for place, spec in enumerate(specs):
            dtype = "float32" if spec.dtype == "bool" else "bool"
            if spec.dtype == "bool" or "mask" in spec.name:
                yield _with(specs, place, dtype=dtype, low=1, high=2)


def _range(tried: Tried) -> Iterator[Specs]:
    """Indices below what an embedding holds; fewer positions where those are embedded."""
    specs, refusal = tried[-1]
    if not re.search(r"out of (?:range|bounds)|Class values must be smaller", refusal.text):
        return
    layer = refusal.module
    high = layer.num_embeddings if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) else None
    if found := re.search(r"out of bounds for (?:dimension \d+ with )?size (\d+)", refusal.text):
        high = int(found[1])
    integers = [place for place in _places(refusal, specs) if not _is_float(specs[place])]
    for place in integers:
        held = specs[place].high
        if high and (held is None or held > high):
            yield _with(specs, place, low=0, high=high)
    if high and refusal.got and refusal.got[0].shape:
        steps = refusal.got[0].shape[-1]
        yield _swapped(specs, steps, high if high < steps else max(high // 2, 1))
    for place in integers:
        if specs[place].high is None or specs[place].high != 2:
            yield _with(specs, place, low=0, high=2)


# Dimensions


def _dimensions(tried: Tried) -> Iterator[Specs]:
    """As many dimensions as were asked for, in the layer's own shape where one is known."""
    specs, refusal = tried[-1]
    count = _wanted_dimensions(refusal)
    if count is None:
        return
    layer = refusal.module
    for place in _places(refusal, specs):
        spec = specs[place]
        got = refusal.got[0].shape if refusal.got else spec.shape
        more = len(got) - len(spec.shape)
        if layer is not None and wanted(layer) is not None and more == 0:
            for shape in (one for one in candidates(layer) if len(one.shape) == count):
                yield _with(specs, place, shape=shape.shape, batch_dim=shape.batch_dim)
        yield _with(specs, place, shape=_of_dimensions(spec.shape, max(count - more, 1)))


def _wanted_dimensions(refusal: Refusal) -> int | None:
    takes = wanted(refusal.module)
    if takes and takes.dims and refusal.got and len(refusal.got[0].shape) not in takes.dims:
        return takes.dims[0]
    for pattern in _DIMENSIONS:
        if found := pattern.search(refusal.text):
            return int(found[1])
    if found := re.search(r"many indices for tensor of dimension (\d+)", refusal.text):
        return int(found[1]) + 1
    if found := re.search(r"range of \[-\d+, (\d+)\], but got (-?\d+)", refusal.text):
        asked = int(found[2])
        return asked + 1 if asked >= 0 else -asked
    if found := re.search(r"tuple index out of range|index out of range$", refusal.text):
        return len(refusal.got[0].shape) + 1 if refusal.got else None
    return None


_DIMENSIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"values to unpack \(expected (\d+)",
        r"is not equal to len\(dims\) = (\d+)",
        r"number of subscripts in the equation \((\d+)\)",
        r"expected (\d)-?D",
        r"input must have (\d+) dimensions",
        r"expected (?:input )?to be (\d)-?D",
        r"(\d)-?D (?:tensor|input)s? (?:is |was )?expected",
        r"must be (\d)-dimensional",
        r"expected (\d) dim",
    )
)


def _of_dimensions(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Sequences where dimensions are missing; those after the batch go where there are too many."""
    if len(shape) < count:
        missing = count - len(shape)
        steps = 32 if count >= 4 else SEQUENCE
        return (*shape[:1], *((steps,) * missing), *shape[1:])
    return (*shape[:1], *shape[1 - count :]) if count > 1 else shape[-1:]


# Sizes


def _fed_size(tried: Tried) -> Iterator[Specs]:
    """A layer that was fed an input, or a view of one: that input's size."""
    specs, refusal = tried[-1]
    wrong = mismatch(refusal)
    if wrong is None:
        return
    for place in _places(refusal, specs):
        shape = specs[place].shape
        tensor = wrong.tensor.shape if wrong.tensor else None
        if tensor is not None and specs[place].shape != tensor:
            yield from _viewed_size(specs, place, wrong, tensor)
        elif -len(shape) <= wrong.axis < len(shape) and shape[wrong.axis] == wrong.got:
            if tensor is not None and isinstance(refusal.module, nn.Linear) and len(shape) > 3:
                yield from _of_layer(specs, place, refusal.module)
            yield _resized(specs, place, wrong.axis, wrong.want)
            yield from _moved_axis(specs, place, wrong.axis % len(shape), wrong.want)


def _of_layer(specs: Specs, place: int, layer: nn.Module) -> Iterator[Specs]:
    """The layer's own kind of input, for one that was taken for another layer's."""
    for own in candidates(layer):
        yield _with(specs, place, shape=own.shape, batch_dim=own.batch_dim)


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
                yield _resized(specs, place, order[wrong.axis], wrong.want)
                return
    if math.prod(shape) == math.prod(tensor) and len(shape) > len(tensor):
        elements = math.prod(shape[1:]) // max(wrong.got, 1) * wrong.want
        yield from _of_elements(specs, place, elements)
    if len(shape) < len(tensor):
        axis = wrong.axis if wrong.axis < 0 else wrong.axis - (len(tensor) - len(shape))
        if -len(shape) <= axis < len(shape) and shape[axis] == wrong.got:
            yield _resized(specs, place, axis, wrong.want)


def _moved_axis(specs: Specs, place: int, axis: int, want: int) -> Iterator[Specs]:
    """The size that was wanted stands at another axis: the input's axes the other way round."""
    shape = list(specs[place].shape)
    if want in shape[1:]:
        other = shape.index(want, 1)
        shape[axis], shape[other] = shape[other], shape[axis]
        yield _with(specs, place, shape=tuple(shape))


def _of_elements(specs: Specs, place: int, elements: int) -> Iterator[Specs]:
    """Shapes of that many elements a sample: images with their channels, squares, a row."""
    shape = specs[place].shape
    if len(shape) == 4:
        for channels, *area in square_shapes(elements, (shape[1], 1, 3)):
            yield _with(specs, place, shape=(1, channels, *area))
    if len(shape) == 3 and shape[1] and elements % shape[1] == 0:
        yield _with(specs, place, shape=(1, shape[1], elements // shape[1]))
    if len(shape) == 3 and shape[2] and elements % shape[2] == 0:
        yield _with(specs, place, shape=(1, elements // shape[2], shape[2]))
    yield _with(specs, place, shape=(1, elements))


def _flattened(tried: Tried) -> Iterator[Specs]:
    """`view(-1, 784)` of an input itself: an image of 784 elements, or a row of them."""
    specs, refusal = tried[-1]
    found = viewed(refusal.text)
    if found is None:
        return
    want, got = found
    for place, spec in enumerate(specs):
        if math.prod(spec.shape) == got:
            yield from _of_elements(specs, place, want)


def _later_size(tried: Tried) -> Iterator[Specs]:
    """A layer further on: the side of the image, or the size of what was joined."""
    specs, refusal = tried[-1]
    pair = _later_pair(refusal)
    if pair is None:
        return
    want, got = pair
    for place, spec in enumerate(specs):
        if _is_float(spec) and len(spec.shape) >= 3:
            alike = [other for other, one in enumerate(specs) if one.shape == spec.shape]
            for side in sides(want, _free_dims(spec), _measured(tried, place)):
                if len(alike) > 1:
                    yield _with_sides(specs, alike, side)
                yield _with_side(specs, place, side)
    yield from _joined(specs, want, got)
    for place, spec in enumerate(specs):
        if not _is_float(spec) and len(spec.shape) >= 2 and got and spec.shape[-1] * want >= got:
            yield _resized(specs, place, -1, spec.shape[-1] * want // got)


def _joined(specs: Specs, want: int, got: int) -> Iterator[Specs]:
    """Rows that were joined before the layer: shares of what it wants, or one of them changed."""
    rows = [place for place, spec in enumerate(specs) if _is_float(spec) and spec.shape]
    widths = [specs[place].shape[-1] for place in rows]
    if len(rows) > 1 and sum(widths) == got and want >= len(rows):
        shared, share = specs, want // len(rows)
        for place in rows[1:]:
            shared = _resized(shared, place, -1, share)
        yield _resized(shared, rows[0], -1, want - share * (len(rows) - 1))
    for place, width in zip(rows, widths, strict=True):
        yield _resized(specs, place, -1, width + want - got)
        if width * want % max(got, 1) == 0:
            yield _resized(specs, place, -1, width * want // max(got, 1))


def _later_pair(refusal: Refusal) -> tuple[int, int] | None:
    """(want, got) of a size that was computed from the input's."""
    if wrong := mismatch(refusal):
        return wrong.want, wrong.got
    return viewed(refusal.text)


def _free_dims(spec: InputSpec) -> int:
    """The dimensions that grow with the side: all but the batch and the channels."""
    return max(len(spec.shape) - 2, 1)


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


def _too_small(tried: Tried) -> Iterator[Specs]:
    """A kernel, a window or a pyramid that is larger than what is left of the image."""
    specs, refusal = tried[-1]
    if not _TOO_SMALL.search(refusal.text):
        return
    for factor in (2, 4, 8, 16):
        yield tuple(_scaled(spec, factor) for spec in specs)


_TOO_SMALL = re.compile(
    r"Kernel size can't be greater|[Oo]utput size is too small|Padding size should be less|"
    r"smaller than kernel|too small|at least|must be (?:greater|larger)|non-positive|"
    r"negative dimension|Expected more than 1 spatial element|maximum size for tensor"
)


def _other_numbers(tried: Tried) -> Iterator[Specs]:
    """Two numbers in the message, one of which an input has: it is to have the other one."""
    specs, refusal = tried[-1]
    numbers = [int(one) for one in re.findall(r"(?<![\w.])\d{1,7}(?![\w.]*\d)", refusal.text)]
    for number in dict.fromkeys(numbers):
        for other in dict.fromkeys(numbers):
            if number != other and other > 0:
                yield _swapped(specs, number, other)
                for place in range(len(specs)):
                    yield _swapped(specs, number, other, only=place)
    yield from _patches(specs, numbers)


def _patches(specs: Specs, numbers: Sequence[int]) -> Iterator[Specs]:
    """Positions of an image's patches: their count grows with the square of the side; a class
    token may be among them."""
    for got, want in pairwise(numbers):
        for extra in (0, 1):
            if got - extra > 0 and want - extra > 0 and got != want:
                ratio = math.sqrt((want - extra) / (got - extra))
                for place, spec in enumerate(specs):
                    if len(spec.shape) == 4 and (spec.shape[-1] * ratio).is_integer():
                        yield _with_side(specs, place, int(spec.shape[-1] * ratio))
                    if len(spec.shape) == 4:
                        inverse = spec.shape[-1] / ratio
                        if inverse.is_integer():
                            yield _with_side(specs, place, int(inverse))


def _standard_sides(tried: Tried) -> Iterator[Specs]:
    """Where nothing else is known: an image of another usual side."""
    specs, _ = tried[-1]
    for side in SIDES_2D:
        for place, spec in enumerate(specs):
            if _is_float(spec) and len(spec.shape) == 4:
                yield _with_side(specs, place, side)


# Specs


def _places(refusal: Refusal, specs: Specs) -> list[int]:
    """The inputs that a refusal can be about, the likeliest first."""
    fed = [got.origin for got in refusal.got if 0 <= got.origin < len(specs)]
    if fed:
        return list(dict.fromkeys(fed))
    shapes = [got.shape for got in refusal.got]
    alike = [place for place, spec in enumerate(specs) if spec.shape in shapes]
    return alike + [place for place in range(len(specs)) if place not in alike]


def _is_affordable(spec: InputSpec) -> bool:
    longest = max(spec.shape, default=1)
    return math.prod(spec.shape) <= MAX_ELEMENTS and (_is_float(spec) or longest <= MAX_TOKENS)


def _is_float(spec: InputSpec) -> bool:
    return spec.dtype.startswith(("float", "bfloat"))


def _with(specs: Specs, place: int, **changes: object) -> Specs:
    changed = msgspec.structs.replace(specs[place], **changes)
    return (*specs[:place], changed, *specs[place + 1 :])


def _resized(specs: Specs, place: int, axis: int, size: int) -> Specs:
    shape = list(specs[place].shape)
    if not 0 < size <= MAX_DIM or not -len(shape) <= axis < len(shape):
        return specs
    shape[axis] = size
    return _with(specs, place, shape=tuple(shape))


def _with_side(specs: Specs, place: int, side: int) -> Specs:
    shape = specs[place].shape
    count = _free_dims(specs[place])
    if len(shape) == 5:  # a video keeps its frames
        count = 2 if shape[2] != shape[3] else 3
    return _with(specs, place, shape=(*shape[: len(shape) - count], *(side,) * count))


def _with_sides(specs: Specs, places: Sequence[int], side: int) -> Specs:
    for place in places:
        specs = _with_side(specs, place, side)
    return specs


def _scaled(spec: InputSpec, factor: int) -> InputSpec:
    """Twice as large, …: the sides of an image, the length of a signal or of a sequence."""
    shape = list(spec.shape)
    kept = 2 if _is_float(spec) and len(shape) > 2 else 1
    for axis in range(kept, len(shape)):
        shape[axis] *= factor
    return msgspec.structs.replace(spec, shape=tuple(shape))


def _swapped(specs: Specs, number: int, other: int, only: int | None = None) -> Specs:
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


_RULES: tuple[Callable[[Tried], Iterator[Specs]], ...] = (
    _arguments,
    _batch_of_two,
    _integers,
    _floats,
    _range,
    _booleans,
    _dimensions,
    _flattened,
    _fed_size,
    _later_size,
    _too_small,
    _other_numbers,
    _standard_sides,
)
