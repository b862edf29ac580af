"""Reads checkpoints of several files: an index with its shards, or a directory without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from nninspect.checkpoint.budget import MAX_HEADER, MAX_TENSORS, MAX_TEXT, Budget, too_many_tensors
from nninspect.checkpoint.files import opened
from nninspect.checkpoint.safetensors import clean, parsed
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor
from nninspect.text import units

MAX_SHARDS = 4_000
_MOST_NAMED = 3

Reader = Callable[[Path], Checkpoint]


def read_index(path: Path, read: Reader) -> Checkpoint:
    """An index and what its shards hold; what is missing is a remark. Raises BadCheckpoint."""
    with opened(path) as (file, size):
        if size > MAX_HEADER:
            raise BadCheckpoint(f"the index has {size:,} bytes, and {MAX_HEADER:,} are the most")
        index = parsed(file.read(MAX_HEADER))
    places = _places(index.get("weight_map"))
    shards = sorted(set(places.values()))
    there = [shard for shard in shards if (path.parent / shard).exists()]
    found = merged(path, ((shard, read(path.parent / shard)) for shard in there))
    remarks = [
        *_remark("shard", "missing", [shard for shard in shards if shard not in there]),
        *_compared(places, found.tensors, set(there)),
    ]
    metadata = index.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    return msgspec.structs.replace(
        found,
        metadata=tuple((clean(name), clean(str(text))[:MAX_TEXT]) for name, text in said.items()),
        remarks=(*found.remarks, *remarks),
    )


def _places(weight_map: object) -> dict[str, str]:
    """The shard of each tensor; every one is a file beside the index."""
    if not isinstance(weight_map, dict):
        raise BadCheckpoint("the index has no weight_map")
    for shard in weight_map.values():
        if not isinstance(shard, str) or not _is_base_name(shard):
            raise BadCheckpoint(
                f"{clean(str(shard))[:MAX_TEXT]!r} is not the name of a file beside the index"
            )
    if len(set(weight_map.values())) > MAX_SHARDS:
        raise BadCheckpoint(f"the index has more than {MAX_SHARDS:,} shards")
    return {clean(name): shard for name, shard in weight_map.items()}


def _is_base_name(name: str) -> bool:
    is_clean = name == clean(name) and "\0" not in name and len(name) < 256
    return is_clean and Path(name).name == name and "\\" not in name and name not in ("", "..")


def _compared(
    places: dict[str, str], tensors: Sequence[StoredTensor], there: set[str]
) -> list[str]:
    """What the index names and no shard has, and the other way round, and what is elsewhere."""
    held = {path: each.file for each in tensors for path in (each.path, *each.also)}
    missing = [name for name, shard in places.items() if shard in there and name not in held]
    wrong = [name for name, shard in places.items() if held.get(name, shard) != shard]
    return [
        *_remark("tensor", "missing in its shard", missing),
        *_remark("tensor", "in another shard than the index says", wrong),
        *_remark("tensor", "not in the index", [name for name in held if name not in places]),
    ]


def _remark(noun: str, what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    shown = units.listed([name[:MAX_TEXT] for name in names], _MOST_NAMED)
    return [f"{units.counted(len(names), noun)} {what}: {shown}"]


def merged(path: Path, found: Iterable[tuple[str, Checkpoint]]) -> Checkpoint:
    """Checkpoints as one, each tensor with its file. Raises BadCheckpoint where two files have
    a tensor of the same name."""
    parts: list[tuple[str, Checkpoint]] = []
    budget, count = Budget(), 0
    for name, part in found:  # each is read here, one after another
        budget.look_at_clock()
        parts.append((name, part))
        count += len(part.tensors)
        if count > MAX_TENSORS:
            raise too_many_tensors()
    tensors = [
        msgspec.structs.replace(each, file=name) if len(parts) > 1 else each
        for name, part in parts
        for each in part.tensors
    ]
    paths = [path for each in tensors for path in (each.path, *each.also)]
    if len(set(paths)) != len(paths):
        raise BadCheckpoint(
            f"files of {path} have tensors of the same name", "Name one of the files"
        )
    formats = sorted({part.format for _, part in parts})
    return Checkpoint(
        path=str(path),
        format=f"{' and '.join(formats)}, {units.counted(len(parts), 'file')}".lstrip(", "),
        tensors=tuple(tensors),
        prefix=parts[0][1].prefix if len(parts) == 1 else "",
        rest=tuple(each for _, part in parts for each in part.rest),
        metadata=parts[0][1].metadata if len(parts) == 1 else (),
        globals=tuple(dict.fromkeys(name for _, part in parts for name in part.globals)),
        remarks=tuple(f"{name}: {remark}" for name, part in parts for remark in part.remarks),
    )
