"""Whatever a file says, only BadCheckpoint comes out of reading it."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from nninspect.checkpoint.read import read
from nninspect.errors import BadCheckpoint

FEW, MANY = 700, 20_000

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed")


@pytest.fixture(params=["zip", "legacy", "safetensors", "gguf", "index", "pt2", "dcp"])
def seed(request: pytest.FixtureRequest, files: Any) -> Path:
    """A good file; what is mutated is in it."""
    state = {"model": {"a": torch.zeros(2, 3), "b": torch.zeros(4)}, "epoch": 3}
    header = {"a": files.entry([2], 0, 8), "b": files.entry([1], 8, 12)}
    match request.param:
        case "zip":
            return files.write(files.saved(state))
        case "legacy":
            return files.write(files.saved(state, _use_new_zipfile_serialization=False))
        case "gguf":
            return files.write(files.gguf({"w": ((64, 3), 2, 0), "b": ((3,), 0, 128)}), "m.gguf")
        case "pt2":
            path = files.folder / "m.pt2"
            model = torch.nn.Linear(3, 2)
            torch.export.save(torch.export.export(model, (torch.zeros(1, 3),)), path)
            return path
        case "dcp":
            import torch.distributed.checkpoint as dcp

            dcp.save(state, checkpoint_id=files.folder / "dcp", no_dist=True)
            return files.folder / "dcp" / ".metadata"
    shard = files.write(files.safetensors(header, bytes(12)), "m.safetensors")
    if request.param == "safetensors":
        return shard
    places = {"weight_map": {"a": shard.name, "b": shard.name}}
    return files.write(json.dumps(places).encode(), "m.safetensors.index.json")


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, taken out, put in or doubled, at one to four places."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randint(1, 8)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 64)]
            case 4:
                changed[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(changed)


def check(seed: Path, rounds: int) -> int:
    """How many of so many mutations can be read; any other error is raised."""
    target = seed.parent if seed.name == ".metadata" else seed
    data, chance, good = seed.read_bytes(), random.Random(seed.name), 0
    read(str(target))
    for _ in range(rounds):
        seed.write_bytes(mutated(data, chance))
        with contextlib.suppress(BadCheckpoint):
            read(str(target))
            good += 1
    return good


def test_a_mutated_file_is_read_or_refused(seed: Path) -> None:
    assert check(seed, FEW) < FEW


@pytest.mark.long
def test_many_mutated_files_are_read_or_refused(seed: Path) -> None:
    assert check(seed, MANY) < MANY
