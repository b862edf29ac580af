"""The models in the Python files of a folder, read from their source, and files of weights."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from nninspect.checkpoint.names import INDEX, SUFFIXES

MOST_FILES = 200
MOST_SECONDS = 1.5
MOST_BYTES = 2**18
"""A longer file was not written by hand."""
DEPTH = 2
"""Folders below the first that are looked at, and no deeper."""
PASSED_OVER = frozenset(
    {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}
)
CONFIG = "config.json"
_SHARD = "-of-"
_BASES = frozenset({"Module", "LightningModule", "PreTrainedModel"})
_NN = ("nn", "torch.nn")


class Found(NamedTuple):
    """One model: the target that opens it, and what it is."""

    target: str
    about: str
    """ "class Net(nn.Module), line 12"."""


def found_models(folder: Path, clock: Callable[[], float] = time.monotonic) -> Iterator[Found]:
    """Every model in the files of a folder and a little below it, for as long as there is time."""
    deadline = clock() + MOST_SECONDS
    for number, path in enumerate(_files(folder, DEPTH)):
        if number >= MOST_FILES or clock() > deadline:
            return
        name = str(path.relative_to(folder))
        text = "" if _has_weights(path.name) else _text(path)
        if _has_weights(path.name):
            yield Found(name, "a file of weights")
        elif path.name == CONFIG:
            yield from _config(name, text)
        elif "torch" in text or "Module" in text:
            yield from (Found(f"{name}:{model}", about) for model, about in models_in(text))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The files of a folder by name, then those of the folders in it; links to folders are left."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        is_ours = entry.name.endswith(".py") or entry.name == CONFIG or _has_weights(entry.name)
        if is_ours and entry.is_file():
            yield Path(entry.path)
    for entry in found if depth else ():
        is_passed_over = entry.name.startswith(".") or entry.name in PASSED_OVER
        if not is_passed_over and entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), depth - 1)


def _has_weights(name: str) -> bool:
    """A file of weights, or an index; not each of its shards."""
    return name.endswith((INDEX, *SUFFIXES)) and _SHARD not in name


def _text(path: Path) -> str:
    """ "" where it can't be read, or is too long."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return ""
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return ""


class _Config(msgspec.Struct):
    """What a model's config of transformers says of it."""

    model_type: str
    architectures: tuple[str, ...] | None = None


def _config(name: str, text: str) -> Iterator[Found]:
    """A model of transformers, where the file describes one."""
    with suppress(msgspec.MsgspecError, RecursionError):
        said = msgspec.json.decode(text, type=_Config)
        yield Found(name, f"config of {', '.join(said.architectures or [said.model_type])}")


def models_in(text: str) -> list[tuple[str, str]]:
    """(name, what it is) of every class, function and instance that is a model; the classes that
    no other is made of come first. Bases are followed within the file, others told by name."""
    try:
        return _models_in(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # also where it is too deep
        return []


def _models_in(body: list[ast.stmt]) -> list[tuple[str, str]]:
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    models = [name for name in classes if _is_model(name, classes, set())]
    parts = {
        name
        for model in models
        for name in _names(classes[model])
        if name in classes and name != model
    }
    found = [(name, _about(classes[name])) for name in models if not name.startswith("_")]
    found.sort(key=lambda each: each[0] in parts)
    return found + [each for node in body for each in _made(node, models)]


def _is_model(name: str, classes: dict[str, ast.ClassDef], seen: set[str]) -> bool:
    if name in seen:
        return False
    seen.add(name)
    return any(
        base.rpartition(".")[2] in _BASES
        or base.rpartition(".")[0] in _NN
        or (base in classes and _is_model(base, classes, seen))
        for base in map(ast.unparse, classes[name].bases)
    )


def _names(node: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _about(node: ast.ClassDef) -> str:
    return f"class {node.name}({', '.join(map(ast.unparse, node.bases))}), line {node.lineno}"


def _made(node: ast.stmt, models: list[str]) -> Iterator[tuple[str, str]]:
    """What a function returns, or a name stands for, where that is a model."""
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
        is_said = node.returns is not None and _is_made(node.returns, models)
        returns = (each.value for each in ast.walk(node) if isinstance(each, ast.Return))
        if is_said or any(
            isinstance(made, ast.Call) and _is_made(made.func, models) for made in returns
        ):
            yield node.name, f"function, line {node.lineno}"
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        for name in node.targets:
            if isinstance(name, ast.Name) and _is_made(node.value.func, models):
                yield name.id, f"{ast.unparse(node.value.func)}(…), line {node.lineno}"


def _is_made(node: ast.expr, models: list[str]) -> bool:
    name = ast.unparse(node)
    return name in models or name.rpartition(".")[0] in _NN
