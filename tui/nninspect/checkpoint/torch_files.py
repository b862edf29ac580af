"""Reads what `torch.save` and `torch.jit.save` write: zip, and what came before it."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from nninspect.checkpoint import zip_directory
from nninspect.checkpoint.allowed import ALLOWED
from nninspect.checkpoint.budget import MAX_HEADER, Budget
from nninspect.checkpoint.exported import read_exported
from nninspect.checkpoint.files import opened
from nninspect.checkpoint.pickle_machine import Machine
from nninspect.checkpoint.pickle_values import Value
from nninspect.checkpoint.state import State, state_of, stored, views
from nninspect.checkpoint.torch_tensors import Built
from nninspect.checkpoint.zip_directory import Entry
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import Checkpoint

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LENGTH_BYTES = 8
"""Before each storage of the legacy format."""


def read_zip(path: Path) -> Checkpoint:
    """Raises BadCheckpoint."""
    budget = Budget()
    with opened(path) as (file, size):
        entries = zip_directory.entries(file, size, budget)
        root = _root(entries)
        if f"{root}/data.pkl" not in entries:
            return read_exported(path, file, entries, budget)
        name = f"{root}/data.pkl"
        data = zip_directory.unpacked(file, name, entries[name])
    machine = Machine(data, budget)
    state = state_of(machine.run(), budget)
    for _, built in state.tensors:
        _check_storage(built, entries, root)
    is_script = f"{root}/constants.pkl" in entries
    kind = "TorchScript (zip)" if is_script else "torch.save (zip)"
    return _checkpoint(path, kind, state, machine)


def _root(entries: dict[str, Entry]) -> str:
    """The folder in the zip that everything is in."""
    return next(iter(entries), "").partition("/")[0]


def _check_storage(built: Built, entries: dict[str, Entry], root: str) -> None:
    """The zip has its storage, and as large as it says."""
    if built.storage is None:
        return
    entry = entries.get(f"{root}/data/{built.storage.key}")
    if entry is None:
        raise BadCheckpoint(f"the zip has no storage {built.storage.key}")
    if entry.size < built.storage.size:
        raise BadCheckpoint(
            f"storage {built.storage.key} says {built.storage.size:,} bytes and has {entry.size:,}"
        )


def read_pickles(path: Path) -> Checkpoint:
    """The legacy format: pickles, then the storages; or one bare pickle. Raises BadCheckpoint."""
    budget = Budget()
    with opened(path) as (file, size):
        machine = Machine(_beginning(file), budget)
    first = machine.run()
    if first != LEGACY_MAGIC or type(first) is not int:
        state = state_of(first, budget)
        return _checkpoint(path, "a bare pickle, not made by torch.save", state, machine)
    machine.run()  # the protocol's version
    machine.run()  # the machine's byte order and sizes
    value: Value = machine.run()
    machine.run()  # the keys of the storages, which follow
    state = state_of(value, budget)
    storages = {built.storage for _, built in state.tensors if built.storage is not None}
    if machine.at + sum(_LENGTH_BYTES + each.size for each in storages) > size:
        raise BadCheckpoint(
            "the storages are larger than the rest of the file", "Was it copied whole?"
        )
    return _checkpoint(path, "torch.save (legacy)", state, machine)


def _beginning(file: BinaryIO) -> bytes:
    return file.read(MAX_HEADER)


def _checkpoint(path: Path, kind: str, state: State, machine: Machine) -> Checkpoint:
    return Checkpoint(
        path=str(path),
        format=kind,
        tensors=stored(state.tensors),
        prefix=state.prefix,
        rest=state.rest,
        globals=tuple(name for name in machine.names if name not in ALLOWED),
        remarks=views(state.tensors),
    )
