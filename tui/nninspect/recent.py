"""The targets that were opened last, with their options: in the user's state directory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from nninspect import saving
from nninspect.errors import BadTarget, UsageError
from nninspect.history.past import identity
from nninspect.places import state_folder
from nninspect.plugin import find_card
from nninspect.protocol.records import Setup

MOST = 20
"""Targets that are kept; the one that was not opened for longest goes first."""
SCHEMA = 1
MAX_BYTES = 2**20
_HF = "hf:"


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    recent: tuple[Setup, ...]


def default_file() -> Path:
    """Where the targets are kept; not made yet."""
    return state_folder() / "recent.json"


class Recent:
    """One file; one that can't be read is as good as none, and written anew."""

    def __init__(self, file: Path, folder: Path) -> None:
        """`folder`: what relative targets are meant from."""
        self._file = file
        self._folder = folder

    def read(self) -> tuple[Setup, ...]:
        """The latest first; those below the folder by their relative names."""
        return tuple(_renamed(setup, _short(setup.target, self._folder)) for setup in self._kept())

    def add(self, setup: Setup) -> None:
        """Put a setup first; one of the same target and settings goes. Raises UsageError."""
        whole = _renamed(setup, _whole(setup.target, self._folder))
        others = (each for each in self._kept() if _key(each) != _key(whole))
        self._keep((whole, *others))

    def remove(self, setup: Setup) -> None:
        """Forget a target. Raises UsageError."""
        key = _key(_renamed(setup, _whole(setup.target, self._folder)))
        self._keep(each for each in self._kept() if _key(each) != key)

    def _kept(self) -> tuple[Setup, ...]:
        try:
            with self._file.open("rb") as stream:
                kept = msgspec.json.decode(stream.read(MAX_BYTES), type=_Kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return ()
        return kept.recent[:MOST] if kept.schema == SCHEMA else ()

    def _keep(self, setups: Iterable[Setup]) -> None:
        kept = _Kept(SCHEMA, tuple(setups)[:MOST])
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            saving.save(self._file, msgspec.json.encode(kept), is_private=True)
        except (OSError, UnicodeError) as error:
            raise UsageError(
                f"can't keep the recent targets in {self._file}: {error}",
                "Nothing else depends on them",
            ) from error


def _key(setup: Setup) -> tuple[object, ...]:
    return setup.target, setup.settings


def _renamed(setup: Setup, target: str) -> Setup:
    return msgspec.structs.replace(setup, target=target)


def _whole(target: str, folder: Path) -> str:
    """A target on disk by its absolute path, any other as it is."""
    if target.startswith(_HF):
        return _HF + os.path.abspath(folder / Path(target.removeprefix(_HF)).expanduser())
    whole = identity(os.path.expanduser(target), folder)
    if whole != target:
        with suppress(BadTarget):
            if find_card(target) is None:
                return whole
    return target


def _short(target: str, folder: Path) -> str:
    """A target below the folder by its relative path."""
    prefix, path = (_HF, target.removeprefix(_HF)) if target.startswith(_HF) else ("", target)
    below = f"{folder.resolve()}{os.sep}"
    return prefix + path.removeprefix(below)
