"""Rules that change which arguments are given and the kind of their values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from torch import nn

from nninspect.engine.guessing.attempt import Refusal
from nninspect.engine.guessing.layers import SEQUENCE
from nninspect.engine.guessing.specs import (
    Specs,
    Tried,
    is_float,
    places_of,
    replaced,
    swapped,
)


def arguments(tried: Tried) -> Iterator[Specs]:
    """One too many or too few where `*args` hands them on."""
    specs, refusal = tried[-1]
    if re.search(r"missing \d+ required positional argument", refusal.text) and specs:
        yield (*specs, msgspec.structs.replace(specs[0], name=""))
    if re.search(r"(?:list|tuple) index out of range", refusal.text):
        yield from _longer(specs)
    if found := re.search(r"unexpected keyword argument '(\w+)'", refusal.text):
        yield tuple(spec for spec in specs if spec.name != found[1])


def _longer(specs: Specs) -> Iterator[Specs]:
    """One more of a list or a tuple, as its last: `images[0]`, `pair.1`."""
    for place, spec in enumerate(specs):
        found = re.fullmatch(r"(.*[.\[])(\d+)(\]?)", spec.name)
        if found:
            name = f"{found[1]}{int(found[2]) + 1}{found[3]}"
            if all(one.name != name for one in specs):
                longer = msgspec.structs.replace(spec, name=name)
                yield (*specs[: place + 1], longer, *specs[place + 1 :])


def batch_of_two(tried: Tried) -> Iterator[Specs]:
    specs, refusal = tried[-1]
    if "more than 1 value per channel when training" in refusal.text:
        yield tuple(spec.with_batch(2) for spec in specs)


def integers(tried: Tried) -> Iterator[Specs]:
    """Indices where floats were given."""
    specs, refusal = tried[-1]
    if not _INDICES.search(refusal.text) and not _floats_into_embedding(refusal):
        return
    layer = refusal.module
    high = layer.num_embeddings if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) else 2
    for place in places_of(refusal, specs):
        if is_float(specs[place]):
            shape = specs[place].shape
            if _ONE_A_SAMPLE.search(refusal.text):
                yield replaced(specs, place, dtype="int64", low=0, high=high, shape=shape[:1])
            yield replaced(specs, place, dtype="int64", low=0, high=high)
            yield replaced(specs, place, dtype="int64", low=0, high=high, shape=(1, SEQUENCE))
            yield replaced(specs, place, dtype="int64", low=0, high=high, shape=shape[:1])


_INDICES = re.compile(
    r"scalar types?: Long|used as indices must be|index tensor|to be one of: Long|"
    r"expected scalar type Long|Expected tensor for argument #\d 'ind|"
    r"0D or 1D target tensor expected|only applicable to index tensor|Index is supposed to be|"
    r"index\w* (?:must|should) be|dtype int64 for index|must be int|object cannot be interpreted"
)


_ONE_A_SAMPLE = re.compile(r"0D or 1D target|supposed to be a vector|only applicable to index")


def complex_numbers(tried: Tried) -> Iterator[Specs]:
    """Complex numbers where real ones were given."""
    specs, refusal = tried[-1]
    if "omplex" in refusal.text:
        for place in places_of(refusal, specs):
            if is_float(specs[place]):
                yield replaced(specs, place, dtype="complex64", low=None, high=None)


def _floats_into_embedding(refusal: Refusal) -> bool:
    is_embedding = isinstance(refusal.module, (nn.Embedding, nn.EmbeddingBag))
    return is_embedding and bool(refusal.got) and refusal.got[0].dtype.startswith(("fl", "bf"))


def floats(tried: Tried) -> Iterator[Specs]:
    """Floats where integers were given."""
    specs, refusal = tried[-1]
    if not _FLOATS.search(refusal.text):
        return
    for place in places_of(refusal, specs):
        if not is_float(specs[place]):
            yield replaced(specs, place, dtype="float32", low=None, high=None)


_FLOATS = re.compile(
    r"same dtype|not implemented for '(?:Long|Int|Bool)|expected scalar type \w*(?:Float|Half|"
    r"Double)|must be floating|floating point|Float but found Long|got: long int|Input type \("
    r"|mixed dtype|Expected all tensors to have the same dtype|should be float"
)


def booleans(tried: Tried) -> Iterator[Specs]:
    """True where a mask is to be boolean, and 0 or 1 where it is to be a number."""
    specs, refusal = tried[-1]
    if re.search(r"bool(?:ean)?", refusal.text, re.IGNORECASE):
        for place, spec in enumerate(specs):
            dtype = "float32" if spec.dtype == "bool" else "bool"
            if spec.dtype == "bool" or "mask" in spec.name:
                yield replaced(specs, place, dtype=dtype, low=1, high=2)


def value_range(tried: Tried) -> Iterator[Specs]:
    """Indices below what an embedding holds; fewer positions where those are embedded."""
    specs, refusal = tried[-1]
    if not re.search(r"out of (?:range|bounds)|Class values must be smaller", refusal.text):
        return
    if "Dimension out of range" in refusal.text:  # not of a value
        return
    layer = refusal.module
    high = layer.num_embeddings if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) else None
    if found := re.search(r"out of bounds for (?:dimension \d+ with )?size (\d+)", refusal.text):
        high = int(found[1])
    integers = [place for place in places_of(refusal, specs) if not is_float(specs[place])]
    for place in integers:
        held = specs[place].high
        if high and (held is None or held > high):
            yield replaced(specs, place, low=0, high=high)
    if high and refusal.got and refusal.got[0].shape:
        steps = refusal.got[0].shape[-1]
        yield swapped(specs, steps, high if high < steps else max(high // 2, 1))
    for place in integers:
        if specs[place].high is None or specs[place].high != 2:
            yield replaced(specs, place, low=0, high=2)
