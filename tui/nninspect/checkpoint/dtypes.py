"""Names of dtypes in files, as torch calls them, and how many bits an element has."""

from __future__ import annotations

from nninspect.checkpoint.budget import MAX_DEPTH
from nninspect.errors import BadCheckpoint

BITS = {
    **dict.fromkeys(("bool", "uint8", "int8", "quint8", "qint8", "bits8"), 8),
    **dict.fromkeys(("bits1x8", "bits2x4", "bits4x2", "quint4x2", "quint2x4"), 8),
    **dict.fromkeys(("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2"), 8),
    **dict.fromkeys(("float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"), 8),
    **{f"{sign}int{bits}": 8 for sign in ("", "u") for bits in range(1, 8)},
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16", "bits16"), 16),
    **dict.fromkeys(("float32", "int32", "uint32", "qint32", "complex32"), 32),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 64),
    "complex128": 128,
    "float4_e2m1": 4,
    **dict.fromkeys(("float6_e2m3", "float6_e3m2"), 6),
}
"""By torch's name; the sub-byte ones that torch stores in a byte each have 8."""

SAFETENSORS = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn", "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz", "I16": "int16", "U16": "uint16", "F16": "float16",
    "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "C64": "complex64",
    "F64": "float64", "I64": "int64", "U64": "uint64", "F4": "float4_e2m1",
    "F6_E2M3": "float6_e2m3", "F6_E3M2": "float6_e3m2",
}  # fmt: skip

STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
    "Bool": "bool", "ComplexDouble": "complex128", "ComplexFloat": "complex64",
    "QInt8": "qint8", "QInt32": "qint32", "QUInt8": "quint8", "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4",
}  # fmt: skip
"""What stands before "Storage" in a type of torch's."""

MAX_KEY = 256
"""Letters of the key of a storage."""
_MOST = 2**63


def count_of(shape: tuple[int, ...]) -> int:
    """Elements. Raises BadCheckpoint where no tensor can have such a shape."""
    if len(shape) > MAX_DEPTH:
        raise BadCheckpoint(f"a tensor has {len(shape):,} dimensions")
    count = 1
    for length in shape:
        if not 0 <= length < _MOST:
            raise BadCheckpoint("a tensor has a length that none can have")
        count *= length
    return bounded(count)


def bounded(count: int) -> int:
    """As it is. Raises BadCheckpoint where it is no 64-bit number."""
    if not 0 <= count < _MOST:
        raise BadCheckpoint("a tensor is larger than any can be")
    return count


def size_of(count: int, dtype: str) -> int:
    """Bytes. Raises BadCheckpoint where they are no 64-bit number."""
    return bounded((count * BITS[dtype] + 7) // 8)
