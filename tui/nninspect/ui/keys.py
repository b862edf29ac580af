"""Every action that has a key, and what a person may make of those keys."""

from __future__ import annotations

import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import (
    KEY_NAME_REPLACEMENTS,
    KEY_TO_UNICODE_NAME,
    REPLACED_KEYS,
    Keys,
    format_key,
)
from textual.screen import ModalScreen

from nninspect.text.suggest import did_you_mean

MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
NAMED = frozenset(key.value.rpartition("+")[2] for key in Keys)
ROOMS = ("screens", "widgets")
OF_THE_APP = "MainScreen", "NninspectApp"
"""Their keys work in every tab."""


@dataclass(frozen=True)
class Action:
    """What some keys do, and in which class of widget."""

    id: str
    keys: tuple[str, ...]
    does: str
    owner: str
    is_dialog: bool


def actions() -> dict[str, Action]:
    """Every action with an id, by its id. It imports every screen and widget."""
    found: dict[str, Action] = {}
    for owner in _owners():
        for binding in _own_bindings(owner):
            if binding.id:
                before = found[binding.id].keys if binding.id in found else ()
                found[binding.id] = Action(
                    id=binding.id,
                    keys=tuple(dict.fromkeys((*before, binding.key))),
                    does=binding.tooltip or binding.description,
                    owner=owner.__name__,
                    is_dialog=issubclass(owner, ModalScreen),
                )
    return found


def _owners() -> Iterator[type[DOMNode]]:
    """The classes of ours that have keys of their own: the app's, then room by room."""
    yield import_module("nninspect.ui.app").NninspectApp
    for room in ROOMS:
        package = import_module(f"nninspect.ui.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(import_module(module.name)).values():
                if _is_of(module.name, value):
                    yield value


def _is_of(module: str, value: object) -> bool:
    return (
        isinstance(value, type)
        and value.__module__ == module
        and issubclass(value, DOMNode)
        and "BINDINGS" in vars(value)
    )


def _own_bindings(owner: type[DOMNode]) -> Iterable[Binding]:
    return Binding.make_bindings(vars(owner)["BINDINGS"])


def keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The keymap to set for the keys that are wanted, and what can't be had of them."""
    known = actions()
    complaints: list[str] = []
    taken = {name: action.keys for name, action in known.items()}
    accepted: dict[str, tuple[str, ...]] = {}
    for name, text in wanted.items():
        keys = tuple(map(normal, text.split(",")))
        if why := _why_not(name, keys, known):
            complaints.append(f"keys.{name}: {why}")
        else:
            accepted[name] = keys
    while clash := _clash(accepted, known, taken | accepted):
        name, key, other = clash
        del accepted[name]
        complaints.append(
            f"keys.{name}: {format_key(key)} is already the key of {other} ({known[other].does});"
            f" give {other} another one too"
        )
    return _with_neighbours(accepted, known), tuple(complaints)


def normal(key: str) -> str:
    """A key by its long name: "?" is "question_mark"."""
    *modifiers, last = key.strip().split("+") if key.strip() != "+" else ["+"]
    if len(last) == 1 and not last.isalnum():
        name = unicodedata.name(last, last).lower().replace("-", "_").replace(" ", "_")
        last = KEY_NAME_REPLACEMENTS.get(name, name)
    return "+".join((*modifiers, last))


def _why_not(name: str, keys: tuple[str, ...], known: Mapping[str, Action]) -> str:
    if name not in known:
        return f"there is no such action. {did_you_mean(name, known)}".rstrip()
    wrong = [key for key in keys if not _is_key(key)]
    return f"{wrong[0]!r} is no key; keys are as r, R, ctrl+r, f5, slash" if wrong else ""


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if not all(modifier in MODIFIERS for modifier in modifiers):
        return False
    return len(last) == 1 or last in NAMED or _is_character_name(last)


def _is_character_name(name: str) -> bool:
    name = REPLACED_KEYS.get(name, name)
    try:
        return unicodedata.lookup(KEY_TO_UNICODE_NAME.get(name, name.replace("_", " "))).isascii()
    except KeyError:
        return False


def _clash(
    accepted: Mapping[str, tuple[str, ...]],
    known: Mapping[str, Action],
    keys: Mapping[str, tuple[str, ...]],
) -> tuple[str, str, str] | None:
    """The first wanted key that another action has where both would hear it."""
    for name in accepted:
        for key in accepted[name]:
            for other, action in known.items():
                if other == name or key not in keys[other]:
                    continue
                if _meet(known[name], action) and not _share(known[name], action, key):
                    return name, key, other
    return None


def _meet(one: Action, other: Action) -> bool:
    """Whether both work at the same time: in one widget, or in a tab and all over the app."""
    if one.owner == other.owner:
        return True
    if one.is_dialog or other.is_dialog:
        return False
    return one.owner in OF_THE_APP or other.owner in OF_THE_APP or _tab(one) == _tab(other)


def _tab(action: Action) -> str:
    return action.id.partition(".")[0]


def _share(one: Action, other: Action, key: str) -> bool:
    """Whether both have the key from the start, as cancel and clear have escape."""
    return key in one.keys and key in other.keys


def _with_neighbours(
    accepted: dict[str, tuple[str, ...]], known: Mapping[str, Action]
) -> dict[str, str]:
    """Textual takes a key away from all that share it: those keep theirs by being named too."""
    freed = {(known[name].owner, key) for name in accepted for key in known[name].keys}
    kept = {
        name: action.keys
        for name, action in known.items()
        if any((action.owner, key) in freed for key in action.keys)
    }
    return {name: ",".join(keys) for name, keys in (kept | accepted).items()}
