"""A saved benchmark as a file: JSON of the result as it is, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from nninspect import saving
from nninspect.errors import UsageError
from nninspect.protocol.bench import SCHEMA, BenchResult

MAX_BYTES = 64 * 2**20
"""A larger file is no saved benchmark."""


class _AnyRun(msgspec.Struct):
    """What tells the schema, whatever else the file holds."""

    schema: int


class _AnyResult(msgspec.Struct):
    run: _AnyRun


def encode(result: BenchResult) -> bytes:
    """The result as indented JSON, so that two saved runs can be read and diffed."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def save(result: BenchResult, path: Path) -> None:
    """Write a result; an existing file is replaced at once or stays as it was.

    Raises `UsageError` where it can't be written.
    """
    try:
        saving.save(path, encode(result))
    except OSError as error:
        raise UsageError(
            f"can't save to {path}: {error.strerror or error}",
            "name a file in a folder that can be written",
        ) from error


def check(path: Path) -> None:
    """Raises `UsageError` where nothing can be saved there, before it was measured."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"can't save to {path}: there is no folder {folder}", "make it first")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(
            f"can't save to {path}: it can't be written", "name a file in a folder that can be"
        )


def load(path: Path) -> BenchResult:
    """A result as it was saved. Raises `UsageError` where the file is none, or too new."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is too large to be a saved benchmark")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"can't read {path}: {error.strerror or error}",
            "save a run first: nninspect bench TARGET --save FILE",
        ) from error
    return decode(content, str(path))


def decode(content: bytes, name: str) -> BenchResult:
    """What `encode` made; `name` is what the errors call it."""
    try:
        schema = msgspec.json.decode(content, type=_AnyResult).run.schema
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"{name} is not a saved benchmark: {error}",
            "save one with: nninspect bench TARGET --save FILE",
        ) from error
    if schema != SCHEMA:
        raise UsageError(
            f"{name} was saved in schema {schema}, and this nninspect reads schema {SCHEMA}",
            "measure again with this version, or read it with the one that saved it",
        )
    try:
        return msgspec.json.decode(content, type=BenchResult)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{name} is a damaged benchmark: {error}", "measure again") from error
