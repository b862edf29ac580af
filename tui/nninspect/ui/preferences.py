"""What a person has chosen of how the app looks and behaves, and the file they say it in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nninspect.text.suggest import did_you_mean

MAX_BYTES = 2**20
"""A larger file is no config."""


@dataclass(frozen=True)
class Preferences:
    """Everything has a default; the command line has the last word."""

    stock_display: bool = False
    """Draw as Textual does, without sending only what changed."""
    ascii: bool = False
    """Draw with nothing but ASCII."""
    watch: bool = False
    """Read the user's files again as soon as one is saved."""
    theme: str = ""
    """One of Textual's themes or ours; "" is the default one."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of their action, several with commas between them."""
    complaints: tuple[str, ...] = ()
    """What of the file could not be used, and why."""


DEFAULTS = Preferences()
SETTINGS = {each.name: type(getattr(DEFAULTS, each.name)) for each in fields(Preferences)}
del SETTINGS["complaints"]
TYPE_WORDS = {
    bool: "true or false",
    int: "a whole number, 0 or more",
    str: "a text",
    dict: "a table",
}


def read_config(path: Path) -> Preferences:
    """What the file says, what it gets wrong as complaints; the defaults where there is none."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return DEFAULTS
    except OSError as error:
        return Preferences(complaints=(f"can't read {path}: {error.strerror or error}",))
    if len(content) > MAX_BYTES:
        return Preferences(complaints=(f"{path} is too large to be a config",))
    try:
        said = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Preferences(complaints=(f"{path} is not TOML, so none of it counts: {error}",))
    return _checked(said, str(path))


def _checked(said: dict[str, Any], where: str) -> Preferences:
    wrong = [f"{where}: {text}" for text in _complaints(said)]
    right = {name: value for name, value in said.items() if not _what_is_wrong(name, value)}
    keys = right.pop("keys", {})
    right["keys"] = {name: _joined(value) for name, value in keys.items() if _are_keys(value)}
    return replace(DEFAULTS, **right, complaints=tuple(wrong))


def _complaints(said: dict[str, Any]) -> Iterator[str]:
    for name, value in said.items():
        if what := _what_is_wrong(name, value):
            yield what
        elif name == "keys":
            for action, keys in value.items():
                if not _are_keys(keys):
                    yield f'keys.{action} is a key such as "ctrl+r", or a list of keys'


def _what_is_wrong(name: str, value: object) -> str:
    """Why a setting can't be used; "" where it can."""
    wanted = SETTINGS.get(name)
    if wanted is None:
        return f"there is no setting {name}. {did_you_mean(name, SETTINGS)}".rstrip()
    if type(value) is not wanted:
        return f"{name} is {TYPE_WORDS[wanted]}, not {value!r}"
    return ""


def _are_keys(value: object) -> bool:
    keys = value if isinstance(value, list) else [value]
    return bool(keys) and all(isinstance(key, str) and key.strip() for key in keys)


def _joined(keys: str | list[str]) -> str:
    return keys if isinstance(keys, str) else ",".join(keys)
