"""`read(path)`: what is in a file of weights, whatever format it has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from nninspect.checkpoint import distributed, gguf, safetensors, shards, torch_files, zip_directory
from nninspect.checkpoint.files import opened
from nninspect.checkpoint.names import INDEX, SUFFIXES
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint

_MOST_ENTRIES = 20_000
"""Files of a directory that are looked at."""
_ORDER = ((".safetensors",), (".gguf",), (".bin", ".pt", ".pth", ".ckpt"))
"""Of which files a directory is read, where it has no index: the first kind that there is."""


def read(name: str) -> Checkpoint:
    """Of a file, an index or a directory. Nothing of it is executed. Raises BadCheckpoint."""
    path = Path(os.path.expanduser(name))
    try:
        if not path.exists():
            raise BadCheckpoint("there is no such file")
        found = _read_directory(path) if path.is_dir() else read_file(path)
    except BadCheckpoint as error:
        raise BadCheckpoint(f"{name} can't be read: {error.message}", error.hint) from None
    except (OSError, ValueError) as error:  # a name that none has, a disk that fails
        raise BadCheckpoint(f"{name} can't be read: {error}") from None
    except (MemoryError, RecursionError):
        raise BadCheckpoint(f"{name} can't be read: it takes too much memory") from None
    return msgspec.structs.replace(found, path=name)


def read_file(path: Path) -> Checkpoint:
    """By what the file begins with; an index by its name. Raises BadCheckpoint."""
    if path.name.endswith(INDEX):
        return shards.read_index(path, read_file)
    if path.suffix == ".onnx":
        raise BadCheckpoint(
            "ONNX is a graph of its own, not a model of PyTorch",
            "Look at it with Netron, or `python -m onnx.tools.net_drawer`; name here the PyTorch "
            "model that it was exported from",
        )
    with opened(path) as (file, _):
        start = file.read(32)
    return _reader(start)(path)


def _reader(start: bytes) -> Callable[[Path], Checkpoint]:
    if start.startswith(zip_directory.MAGIC):
        return torch_files.read_zip
    if start.startswith(gguf.MAGIC):
        return gguf.read
    if start[8:9] == b"{":
        return safetensors.read
    if start[:1] in (b"\x80", b"(", b"c", b"}", b"]"):  # what pickles begin with
        return torch_files.read_pickles
    if start.startswith(b"version https://git"):
        raise BadCheckpoint(
            "the file only points at the weights (Git LFS)", "Get them: git lfs pull"
        )
    raise BadCheckpoint("it is none of safetensors, torch.save, GGUF", "Was it copied whole?")


def _read_directory(path: Path) -> Checkpoint:
    names = _names(path)
    if distributed.METADATA in names:
        return distributed.read(path)
    indices = [name for name in names if name.endswith(INDEX)]
    if len(indices) > 1:
        raise BadCheckpoint(f"it has several indices: {', '.join(indices[:3])}", "Name one of them")
    if indices:
        return read_file(path / indices[0])
    for suffixes in _ORDER:
        if found := [name for name in names if name.endswith(suffixes)]:
            return shards.merged(path, ((name, read_file(path / name)) for name in found))
    raise BadCheckpoint("the directory has no weights in it", f"Files end in {', '.join(SUFFIXES)}")


def _names(path: Path) -> list[str]:
    with os.scandir(path) as entries:
        found = [entry.name for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)]
    return sorted(found)
