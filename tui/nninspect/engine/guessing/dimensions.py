"""The rule that changes how many dimensions an input has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nninspect.engine.guessing.attempt import Refusal
from nninspect.engine.guessing.layers import SEQUENCE, candidates
from nninspect.engine.guessing.mismatch import wanted
from nninspect.engine.guessing.specs import Specs, Tried, is_float, places_of, replaced


def dimensions(tried: Tried) -> Iterator[Specs]:
    """As many dimensions as were asked for, in the layer's own shape where one is known."""
    specs, refusal = tried[-1]
    count = _wanted_dimensions(refusal, specs)
    if count is None:
        return
    layer = refusal.module
    for place in places_of(refusal, specs):
        spec = specs[place]
        own = (got.shape for got in refusal.got if got.origin == place)
        got = next(own, refusal.got[0].shape if refusal.got else spec.shape)
        more = len(got) - len(spec.shape)
        if layer is not None and wanted(layer) is not None and more == 0:
            for shape in (one for one in candidates(layer) if len(one.shape) == count):
                yield replaced(specs, place, shape=shape.shape, batch_dim=shape.batch_dim)
        if spec.shape == (1,) and not is_float(spec) and count - more == 2:  # `lengths.squeeze(1)`
            yield replaced(specs, place, shape=(1, 1))
        yield replaced(specs, place, shape=_of_dimensions(spec.shape, max(count - more, 1)))


def _wanted_dimensions(refusal: Refusal, specs: Specs) -> int | None:
    takes = wanted(refusal.module)
    if takes and takes.dims and refusal.got and len(refusal.got[0].shape) not in takes.dims:
        return takes.dims[0]
    for pattern in _DIMENSIONS:
        if found := pattern.search(refusal.text):
            return int(found[1])
    if found := re.search(r"same number of dimensions: got (\d+) and (\d+)", refusal.text):
        return max(int(found[1]), int(found[2]))
    if "dims can not be smaller than" in refusal.text and refusal.mentioned:
        dims = len(specs[refusal.mentioned[0]].shape)
        return dims - 1 if dims > 1 else None
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
        r"batch\d must be a (\d)D tensor",
    )
)


def _of_dimensions(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Sequences where dimensions are missing; those after the batch go where there are too many."""
    if len(shape) < count:
        missing = count - len(shape)
        steps = 32 if count >= 4 else SEQUENCE
        return (*shape[:1], *((steps,) * missing), *shape[1:])
    return (*shape[:1], *shape[1 - count :]) if count > 1 else shape[-1:]
