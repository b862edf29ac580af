"""Reads GGUF: the key-value pairs and the list of tensors that stand before the values.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from nninspect.checkpoint import dtypes
from nninspect.checkpoint.budget import (
    MAX_HEADER,
    MAX_TENSORS,
    MAX_TEXT,
    Budget,
    too_many_tensors,
)
from nninspect.checkpoint.files import exactly, opened
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor

MAGIC = b"GGUF"
MAX_PAIRS = 10_000
_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 4
_ALIGNMENT = "general.alignment"
_STRING, _ARRAY = 8, 9
_SCALARS = dict(enumerate(("<B", "<b", "<H", "<h", "<I", "<i", "<f", "<?")))
_SCALARS |= {10: "<Q", 11: "<q", 12: "<d"}

_TYPES = {
    0: ("float32", 1, 4), 1: ("float16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("int8", 1, 1), 25: ("int16", 1, 2),
    26: ("int32", 1, 4), 27: ("int64", 1, 8), 28: ("float64", 1, 8), 29: ("IQ1_M", 256, 56),
    30: ("bfloat16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}  # fmt: skip
"""Of each `ggml_type`: its name, and how many elements a block has, in how many bytes."""


def read(path: Path) -> Checkpoint:
    """Raises BadCheckpoint."""
    with opened(path) as (file, size):
        header = _Header(BytesIO(file.read(MAX_HEADER)), Budget())
        return header.read(path, size)


class _Header:
    """Reads one field after another; a header that is longer than it may be ends early."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget

    def read(self, path: Path, size: int) -> Checkpoint:
        if exactly(self._file, 4) != MAGIC or (version := self._number("<I")) not in _VERSIONS:
            raise BadCheckpoint("the file is not GGUF of version 2 or 3")
        tensor_count, pair_count = self._number("<Q"), self._number("<Q")
        if tensor_count > MAX_TENSORS:
            raise too_many_tensors()
        if pair_count > MAX_PAIRS:
            raise BadCheckpoint(f"it tells more than {MAX_PAIRS:,} things of itself")
        pairs = tuple((self._text(), self._value(self._number("<I"))) for _ in range(pair_count))
        found = [self._tensor() for _ in range(tensor_count)]
        begin = _aligned(self._file.tell(), dict(pairs).get(_ALIGNMENT, "32"))
        for offset, tensor in found:
            if begin + offset + tensor.size > size:
                raise BadCheckpoint(f"{tensor.path} reaches past the end of the file")
        names = {tensor.path for _, tensor in found}
        if len(names) != len(found):
            raise BadCheckpoint("two tensors have the same name")
        return Checkpoint(
            path=str(path),
            format=f"GGUF version {version}",
            tensors=tuple(tensor for _, tensor in found),
            metadata=pairs,
        )

    def _number(self, code: str) -> int:
        return int(self._scalar(code))

    def _scalar(self, code: str) -> float:
        self._budget.step()
        found: float = struct.unpack(code, exactly(self._file, struct.calcsize(code)))[0]
        return found

    def _raw_text(self) -> bytes:
        length = self._number("<Q")
        if length > MAX_HEADER:
            raise BadCheckpoint("a text is longer than a header may be")
        return exactly(self._file, length)

    def _text(self) -> str:
        return self._raw_text().decode("utf-8", "replace")

    def _value(self, kind: int) -> str:
        """As it is told; of an array only how long it is."""
        if kind == _STRING:
            return self._text()[:MAX_TEXT]
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise BadCheckpoint("a value has a type that GGUF has not")
        return str(self._scalar(_SCALARS[kind]))

    def _array(self) -> str:
        kind, length = self._number("<I"), self._number("<Q")
        if kind == _STRING:
            for _ in range(length):
                self._raw_text()
        elif kind in _SCALARS:
            size = length * struct.calcsize(_SCALARS[kind])
            if size > MAX_HEADER:
                raise BadCheckpoint("an array is longer than a header may be")
            exactly(self._file, size)
        else:
            raise BadCheckpoint("an array has values of a type that GGUF has not")
        return f"an array of {length:,}"

    def _tensor(self) -> tuple[int, StoredTensor]:
        """Where its values are, after the header, and what it is."""
        name, dimensions = self._text(), self._number("<I")
        if dimensions > _MAX_DIMENSIONS:
            raise BadCheckpoint(f"{name} has {dimensions} dimensions")
        shape = tuple(self._number("<Q") for _ in range(dimensions))[::-1]
        kind, offset = self._number("<I"), self._number("<Q")
        if kind not in _TYPES:
            raise BadCheckpoint(f"{name} has a type that is not known: {kind}")
        dtype, block, block_bytes = _TYPES[kind]
        count = dtypes.count_of(shape)
        if (shape[-1] if shape else 1) % block:
            raise BadCheckpoint(f"{name} has rows that are not of whole blocks")
        size = dtypes.bounded(count // block * block_bytes)
        return offset, StoredTensor(path=name, dtype=dtype, shape=shape, count=count, size=size)


def _aligned(at: int, alignment: str) -> int:
    step = int(alignment) if alignment.isdecimal() and len(alignment) < 10 else 0
    if not step:
        raise BadCheckpoint("the values are aligned to what is no number")
    return -(-at // step) * step
