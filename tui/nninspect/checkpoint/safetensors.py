"""Reads safetensors: eight bytes of length, a JSON header, then the values, which are left.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nninspect.checkpoint import dtypes
from nninspect.checkpoint.budget import MAX_HEADER, MAX_TENSORS, MAX_TEXT, too_many_tensors
from nninspect.checkpoint.files import exactly, opened
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor

_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}


def read(path: Path) -> Checkpoint:
    """Raises BadCheckpoint."""
    with opened(path) as (file, size):
        length = int.from_bytes(exactly(file, _LENGTH_BYTES), "little")
        if length > size - _LENGTH_BYTES:
            raise BadCheckpoint("the file is cut short, or is not safetensors")
        if length > MAX_HEADER:
            raise BadCheckpoint(f"the header of {length:,} bytes is over {MAX_HEADER:,}")
        header = parsed(exactly(file, length))
    metadata = _metadata(header.pop(_METADATA, {}))
    if len(header) > MAX_TENSORS:
        raise too_many_tensors()
    found = [_tensor(name, entry) for name, entry in header.items()]
    found.sort(key=lambda each: each[:2])
    _check_places([place for *place, _ in found], size - _LENGTH_BYTES - length)
    return Checkpoint(
        path=str(path),
        format="safetensors",
        tensors=tuple(tensor for *_, tensor in found),
        metadata=metadata,
    )


def parsed(data: bytes) -> dict[str, Any]:
    """A JSON object without duplicate keys, at any depth. Raises BadCheckpoint."""
    try:
        found = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadCheckpoint(f"the header is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadCheckpoint("the header is not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadCheckpoint("the header has a key twice")
    return found


def _metadata(found: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise BadCheckpoint("the metadata are not texts")
    return tuple((clean(name), clean(text)[:MAX_TEXT]) for name, text in found.items())


def clean(text: str) -> str:
    """Text that can be sent: JSON may have halves of characters in it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _tensor(name: str, entry: Any) -> tuple[int, int, StoredTensor]:
    """Where it begins and ends, and what it is."""
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        raise BadCheckpoint(f"the entry of {clean(name)} has other fields than it should")
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in dtypes.SAFETENSORS:
        raise BadCheckpoint(f"{clean(name)} has a dtype that is not known: {clean(str(dtype))}")
    shape, offsets = _integers(name, entry["shape"]), _integers(name, entry["data_offsets"])
    dtype = dtypes.SAFETENSORS[dtype]
    count = dtypes.count_of(shape)
    size = dtypes.size_of(count, dtype)
    if len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise BadCheckpoint(f"{clean(name)} has other bytes than its shape and dtype take")
    tensor = StoredTensor(path=clean(name), dtype=dtype, shape=shape, count=count, size=size)
    return offsets[0], offsets[1], tensor


def _integers(name: str, found: Any) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(each) is int and each >= 0 for each in found):
        raise BadCheckpoint(f"{clean(name)} has a shape or offsets that are no numbers")
    return tuple(found)


def _check_places(places: list[list[int]], size: int) -> None:
    """They follow each other without gaps, from the header to the end of the file."""
    end = 0
    for begin, after in places:
        if begin != end:
            raise BadCheckpoint("tensors overlap, or there is a gap between them")
        end = after
    if end != size:
        raise BadCheckpoint(
            f"the tensors take {end:,} bytes and the file has {size:,}", "Was it copied whole?"
        )
