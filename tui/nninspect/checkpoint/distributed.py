"""Reads the `.metadata` of a directory that `torch.distributed.checkpoint` wrote."""

from __future__ import annotations

from pathlib import Path

from nninspect.checkpoint import dtypes
from nninspect.checkpoint.allowed import ALLOWED, DCP
from nninspect.checkpoint.budget import (
    MAX_HEADER,
    MAX_TENSORS,
    MAX_TEXT,
    Budget,
    too_many_tensors,
)
from nninspect.checkpoint.files import opened
from nninspect.checkpoint.pickle_machine import Machine
from nninspect.checkpoint.pickle_values import Node, Value, fields_of
from nninspect.checkpoint.state import MAX_PATH, MAX_REST
from nninspect.checkpoint.torch_tensors import dtype_of, shape_of
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor
from nninspect.text import units

METADATA = ".metadata"
_MOST_FILES = 10_000


def read(directory: Path) -> Checkpoint:
    """Raises BadCheckpoint."""
    path, budget = directory / METADATA, Budget()
    with opened(path) as (file, size):
        if size > MAX_HEADER:
            raise BadCheckpoint(f"{path} has {size:,} bytes, and {MAX_HEADER:,} are the most")
        machine = Machine(file.read(MAX_HEADER), budget)
    top = machine.run()
    fields = fields_of(top)
    listed = fields.get("state_dict_metadata")
    if not isinstance(top, Node) or top.kind != f"{DCP}.Metadata" or not isinstance(listed, Node):
        raise BadCheckpoint(f"{path} is not the metadata of torch.distributed.checkpoint")
    tensors, rest = [], []
    for name, each in listed.pairs or ():
        budget.step()
        if not isinstance(name, str) or len(name) > MAX_PATH:
            raise BadCheckpoint("a tensor has a path that is none")
        if isinstance(each, Node) and each.kind == f"{DCP}.TensorStorageMetadata":
            tensors.append(_tensor(name, each))
        else:
            rest.append((name, "an object, in bytes of its own"))
    if len(tensors) > MAX_TENSORS:
        raise too_many_tensors()
    return Checkpoint(
        path=str(directory),
        format="torch.distributed.checkpoint",
        tensors=tuple(tensors),
        rest=tuple(rest[:MAX_REST]),
        globals=tuple(name for name in machine.names if name not in ALLOWED),
        remarks=tuple(_missing(directory, fields.get("storage_data"))),
    )


def _tensor(name: str, entry: Node) -> StoredTensor:
    fields = fields_of(entry)
    properties = fields.get("properties")
    state = properties.state if isinstance(properties, Node) else None
    dtype = state[0] if isinstance(state, tuple) and state else fields_of(properties).get("dtype")
    shape, named = shape_of(fields.get("size")), dtype_of(dtype)
    count = dtypes.count_of(shape)
    return StoredTensor(
        path=name, dtype=named, shape=shape, count=count, size=dtypes.size_of(count, named)
    )


def _missing(directory: Path, storage_data: Value) -> list[str]:
    """The files that are named and not there."""
    pairs = storage_data.pairs if isinstance(storage_data, Node) else None
    files = {
        name
        for _, info in pairs or ()
        if isinstance(name := fields_of(info).get("relative_path"), str)
    }
    if len(files) > _MOST_FILES:
        raise BadCheckpoint(f"it names more than {_MOST_FILES:,} files")
    for name in files:
        if "/" in name or "\0" in name or name in ("", ".", ".."):
            raise BadCheckpoint(f"{name[:MAX_TEXT]!r} is no file of this directory")
    gone = sorted(name for name in files if not (directory / name).is_file())
    if not gone:
        return []
    return [f"{units.counted(len(gone), 'file')} missing: {', '.join(gone[:3])}"]
