"""Reads a `.pt2` of `torch.export`: the JSON that tells of its weights; nothing is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from nninspect.checkpoint import dtypes, zip_directory
from nninspect.checkpoint.budget import MAX_TENSORS, Budget, too_many_tensors
from nninspect.checkpoint.safetensors import clean, parsed
from nninspect.checkpoint.zip_directory import Entry
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor

_CONFIG = "model_weights_config.json"
_DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
    28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz",
    32: "float8_e5m2fnuz", 33: "float8_e8m0fnu", 34: "uint32", 35: "uint64",
}  # fmt: skip
"""`torch._export.serde.schema.ScalarType`."""


def read_exported(
    path: Path, file: BinaryIO, entries: dict[str, Entry], budget: Budget
) -> Checkpoint:
    """Raises BadCheckpoint."""
    names = [name for name in entries if name.endswith(f"/{_CONFIG}")]
    if not names:
        raise BadCheckpoint(
            "the zip has neither the data.pkl of torch.save nor the weights of torch.export",
            "A .pt2 needs to be saved by torch 2.9 or newer",
        )
    weights: dict[str, tuple[str, Any]] = {}
    for name in names:
        found = parsed(zip_directory.unpacked(file, name, entries[name])).get("config")
        folder = name.removesuffix(_CONFIG)
        weights |= {key: (folder, entry) for key, entry in _items(found)}
    if len(weights) > MAX_TENSORS:
        raise too_many_tensors()
    budget.step(len(weights))
    tensors: dict[object, StoredTensor] = {}
    for name, (folder, entry) in weights.items():
        _add(tensors, name, entry, folder, entries)
    return Checkpoint(path=str(path), format="torch.export (.pt2)", tensors=tuple(tensors.values()))


def _items(found: Any) -> list[tuple[str, Any]]:
    if not isinstance(found, dict):
        raise BadCheckpoint(f"{_CONFIG} has no weights in it")
    return list(found.items())


def _add(
    tensors: dict[object, StoredTensor],
    name: str,
    entry: Any,
    folder: str,
    entries: dict[str, Entry],
) -> None:
    try:
        file, meta = entry["path_name"], entry["tensor_meta"]
        dtype = _DTYPES[meta["dtype"]]
        shape = tuple(size["as_int"] for size in meta["sizes"])
        layout = str([meta["storage_offset"], meta["strides"], meta["sizes"]])
    except (KeyError, TypeError, IndexError):
        raise BadCheckpoint(f"{clean(name)} is not described as a weight is") from None
    if not isinstance(file, str) or not all(type(length) is int for length in shape):
        raise BadCheckpoint(f"{clean(name)} is not described as a weight is")
    count = dtypes.count_of(shape)
    size = dtypes.size_of(count, dtype)
    held = entries.get(folder + file)
    if held is None:
        raise BadCheckpoint(f"the zip has no {clean(file)}")
    tensor = StoredTensor(path=clean(name), dtype=dtype, shape=shape, count=count, size=size)
    if (first := tensors.get((file, layout))) is not None:
        tensor = StoredTensor(
            path=first.path, also=(*first.also, clean(name)), dtype=dtype, shape=shape,
            count=count, size=size,
        )  # fmt: skip
    tensors[file, layout] = tensor
