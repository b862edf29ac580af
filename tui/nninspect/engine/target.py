"""What a target names, told from its text alone and the files it points at; nothing is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nninspect.errors import BadTarget
from nninspect.plugin import ModelCard, collections, find_card
from nninspect.text.suggest import did_you_mean

HOW = (
    "Type the name of a bundled network (`nninspect list`), a file as path/to/net.py:Net, "
    "or a module as package.module:make_net"
)

LIBRARIES = ("torchvision", "timm", "hf")
"""What stands before the colon of a library's model; `hf` is transformers."""

CONFIG = "config.json"
"""What transformers calls the file that describes a model."""


@dataclass(frozen=True)
class FileTarget:
    """A class, factory or instance in a Python file; `attribute` is "" when none was named."""

    path: Path
    attribute: str


@dataclass(frozen=True)
class ModuleTarget:
    """The same in an importable module."""

    module: str
    attribute: str


@dataclass(frozen=True)
class LibraryTarget:
    """A model that a library builds: by its `name` there, for `hf` the path of its config."""

    library: str
    name: str


Target: TypeAlias = ModelCard | FileTarget | ModuleTarget | LibraryTarget


def parse_target(text: str) -> Target:
    """What the text names. Raises BadTarget with what to type instead."""
    text = text.strip()
    if not text:
        raise BadTarget("no target was given", HOW)
    if "\0" in text:
        raise _unknown(text)
    if card := find_card(text):
        return card
    if library := _library(text):
        return library
    before, colon, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    if attribute and not _is_dotted_name(attribute):
        raise BadTarget(f"{attribute!r} in {text!r} is not a name", HOW)
    if _is_file(before) or (not colon and os.path.isdir(before)):
        return FileTarget(_python_file(before), attribute)
    if _is_dotted_name(before) and (colon or "." in before):
        return ModuleTarget(before, attribute)
    raise _unknown(text)


def _library(text: str) -> LibraryTarget | None:
    library, colon, name = text.partition(":")
    if colon and library in LIBRARIES:
        return LibraryTarget(library, _config(name) if library == "hf" else name)
    if text.endswith(".json") or (_is_file(text) and os.path.isfile(Path(text) / CONFIG)):
        return LibraryTarget("hf", _config(text))
    return None


def _config(text: str) -> str:
    """The path of a config, named by itself or by its directory."""
    path = Path(os.path.expanduser(text)).resolve()
    if os.path.isdir(path):
        path /= CONFIG
    if text and os.path.isfile(path):
        return str(path)
    raise BadTarget(
        f"there is no file {path}" if text else "hf: names no config",
        f"Name a {CONFIG} on this machine, or its directory: hf:path/to/model. "
        "Nothing is downloaded.",
    )


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _is_file(text: str) -> bool:
    return (
        text.endswith(".py")
        or "/" in text
        or "\\" in text
        or text.startswith("~")
        or os.path.isfile(text)
        or (os.path.isdir(text) and not _is_dotted_name(text))
    )


def _python_file(text: str) -> Path:
    path = Path(os.path.expanduser(text)).resolve()
    if os.path.isdir(path):
        found = sorted(file.name for file in path.glob("*.py"))[:5]
        example = found[0] if found else "net.py"
        raise BadTarget(f"{text} is a directory", f"Name a file in it: {Path(text) / example}:Net")
    if not os.path.exists(path):
        here = path.parent.glob("*.py") if os.path.isdir(path.parent) else ()
        raise BadTarget(
            f"there is no file {text}", did_you_mean(path.name, [file.name for file in here]) or HOW
        )
    if path.suffix != ".py":
        raise BadTarget(
            f"{text} is not a Python file",
            "Name the Python file that defines the model, as path/to/net.py:Net; "
            "what is in a file of weights is for `nninspect summary`",
        )
    return path


def _unknown(text: str) -> BadTarget:
    names = [card.name for collection in collections() for card in collection.cards]
    if os.path.isfile(f"{text}.py"):
        return BadTarget(f"{text!r} is no target by itself", f"Did you mean {text}.py?")
    return BadTarget(
        f"{text!r} is not a bundled network, a file or a module",
        did_you_mean(text, names) or HOW,
    )
