"""What a target names, told from its text alone and the files it points at; nothing is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nninspect.errors import BadTarget
from nninspect.plugin import ModelCard, collections, find_card
from nninspect.text.suggest import did_you_mean

HOW = (
    "Type the name of a bundled network (`nninspect list`), a file as path/to/net.py:Net, "
    "or a module as package.module:make_net"
)

_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_MODULE = _ATTRIBUTE


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


def parse_target(text: str) -> ModelCard | FileTarget | ModuleTarget:
    """What the text names. Raises BadTarget with what to type instead."""
    text = text.strip()
    if not text:
        raise BadTarget("no target was given", HOW)
    if card := find_card(text):
        return card
    before, colon, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    if colon and not _ATTRIBUTE.fullmatch(attribute):
        raise BadTarget(f"{attribute!r} in {text!r} is not a name", HOW)
    if _is_file(before):
        return FileTarget(_python_file(before), attribute)
    if _MODULE.fullmatch(before) and (colon or "." in before):
        return ModuleTarget(before, attribute)
    raise _unknown(text)


def _is_file(text: str) -> bool:
    return text.endswith(".py") or "/" in text or "\\" in text or text.startswith("~")


def _python_file(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if path.is_dir():
        found = sorted(file.name for file in path.glob("*.py"))[:5]
        example = found[0] if found else "net.py"
        raise BadTarget(f"{text} is a directory", f"Name a file in it: {Path(text) / example}:Net")
    if not path.exists():
        here = path.parent.glob("*.py") if path.parent.is_dir() else ()
        raise BadTarget(
            f"there is no file {text}", did_you_mean(path.name, [file.name for file in here]) or HOW
        )
    if path.suffix != ".py":
        raise BadTarget(
            f"{text} is not a Python file",
            "Name the Python file that defines the model, as path/to/net.py:Net",
        )
    return path


def _unknown(text: str) -> BadTarget:
    names = [card.name for collection in collections() for card in collection.cards]
    return BadTarget(
        f"{text!r} is not a bundled network, a file or a module",
        did_you_mean(text, names) or HOW,
    )
