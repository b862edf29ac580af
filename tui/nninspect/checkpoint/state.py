"""Finds the tensors in a pickle: nested dicts as dotted paths, modules as they were saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nninspect.checkpoint.budget import (
    MAX_DEPTH,
    MAX_TENSORS,
    MAX_TEXT,
    Budget,
    too_many_tensors,
)
from nninspect.checkpoint.pickle_values import Global, Node, Persistent, Value, fields_of
from nninspect.checkpoint.torch_tensors import Built, tensor_of
from nninspect.errors import BadCheckpoint
from nninspect.protocol.checkpoint import StoredTensor
from nninspect.text import units

STATE_DICTS = ("state_dict", "model_state_dict", "model", "module", "net", "network", "weights")
"""The keys that a state dict is saved under, beside an optimizer and an epoch."""

MAX_PATH = 1024
MAX_REST = 200
"""Other values that are told of."""
_PATH_STEP = 32
"""Letters of a path that take as long as a step."""
_CONTAINERS = ("dict", "list", "set", "collections.OrderedDict")
_HELD = ("_parameters", "_buffers", "_modules")
"""Where a module that was pickled whole has its tensors."""


class State(NamedTuple):
    """What a value has: the model's tensors, and the rest."""

    tensors: tuple[tuple[str, Built], ...]
    prefix: str
    rest: tuple[tuple[str, str], ...]


def state_of(value: Value, budget: Budget) -> State:
    """Raises BadCheckpoint where the value unfolds to too much."""
    top = [(_name(key), each) for key, each in _children(value)]
    tensors, rest = [], []
    prefix = _prefix(top)
    if prefix:
        for name, each in top:
            if name == prefix:
                tensors = list(_tensors(each, budget))
            else:
                rest.append((name, _about(each, budget)))
    else:
        tensors = list(_tensors(value, budget))
        rest = [(name, _about(each, budget)) for name, each in top if not _holds(each, budget)]
    if isinstance(value, Node) and value.kind not in _CONTAINERS:
        rest.insert(0, ("", _about(value, budget)))
    return State(tuple(tensors), prefix, tuple(rest[:MAX_REST]))


def _holds(value: Value, budget: Budget) -> bool:
    return any(True for _ in _tensors(value, budget))


def _prefix(top: list[tuple[str, Value]]) -> str:
    """The key of the state dict; "" where the tensors stand at the top."""
    if any(tensor_of(each) for _, each in top):
        return ""
    names = {name: each for name, each in top if isinstance(each, Node)}
    return next((name for name in STATE_DICTS if name in names and _children(names[name])), "")


def _tensors(root: Value, budget: Budget) -> Iterator[tuple[str, Built]]:
    """Every tensor with its path, in order; a container at its first path only."""
    seen: set[int] = set()
    waiting: list[tuple[str, int, Value]] = [("", 0, root)]
    count = 0
    while waiting:
        path, depth, value = waiting.pop()
        budget.step(1 + len(path) // _PATH_STEP)
        if built := tensor_of(value):
            count += 1
            if count > MAX_TENSORS:
                raise too_many_tensors()
            yield path, built
        elif id(value) not in seen and (children := _children(value)):
            seen.add(id(value))
            if depth > MAX_DEPTH:
                raise BadCheckpoint(f"its values are nested more than {MAX_DEPTH} deep")
            budget.step(len(children))
            for key, child in reversed(children):
                if isinstance(child, (Node, tuple)):
                    waiting.append((_joined(path, _name(key)), depth + 1, child))


def _children(value: Value) -> list[tuple[Value, Value]]:
    """What a container has, by key; of a module its parameters, buffers and modules, of another
    object what its state has."""
    if isinstance(value, tuple):
        return list(enumerate(value))
    if not isinstance(value, Node):
        return []
    fields = fields_of(value.state)
    if held := [fields[name] for name in _HELD if name in fields]:
        return [pair for each in held if isinstance(each, Node) for pair in each.pairs or ()]
    found: list[tuple[Value, Value]] = list(value.pairs or ())
    found += enumerate(value.items or ())
    if value.kind != "collections.OrderedDict":  # its state is the versions of the modules
        found += fields.items()
    return found


def _name(key: Value) -> str:
    if isinstance(key, str):
        return key
    return str(key) if type(key) is int or isinstance(key, bool) else "?"


def _joined(path: str, name: str) -> str:
    if len(path) + len(name) > MAX_PATH:
        raise BadCheckpoint("a tensor has a path that is too long")
    return f"{path}.{name}" if path else name


def _about(value: Value, budget: Budget) -> str:
    """What a value is, for people."""
    match value:
        case str():
            return repr(value[:MAX_TEXT])
        case int() if not -(2**63) <= value < 2**63:
            return f"an integer of {value.bit_length()} bits"
        case None | bool() | int() | float():
            return repr(value)
        case bytes():
            return units.counted(len(value), "byte")
        case Global(name):
            return name
        case Persistent():
            return "a storage"
    if built := tensor_of(value):
        return f"{built.dtype} tensor, {units.size(built.size)}"
    if isinstance(value, Node) and value.kind not in _CONTAINERS:
        return f"an object of {value.kind[:MAX_TEXT]}, which was not made"
    tensors = [built for _, built in _tensors(value, budget)]
    held = units.counted(len(_children(value)), "value")
    kind = "tuple" if isinstance(value, tuple) else value.kind.rpartition(".")[2][:MAX_TEXT]
    if not tensors:
        return f"{kind} of {held}"
    size = units.size(sum(built.size for built in tensors))
    return f"{kind} of {held}, with {units.counted(len(tensors), 'tensor')} of {size}"


def stored(found: tuple[tuple[str, Built], ...]) -> tuple[StoredTensor, ...]:
    """Each once, with all its paths."""
    paths: dict[object, list[str]] = {}
    firsts: dict[object, Built] = {}
    for number, (path, built) in enumerate(found):
        place = (built.place, built.shape) if built.place else number
        paths.setdefault(place, []).append(path)
        firsts.setdefault(place, built)
    return tuple(
        StoredTensor(
            path=paths[place][0],
            also=tuple(paths[place][1:]),
            dtype=built.dtype,
            shape=built.shape,
            count=built.count,
            size=built.size,
        )
        for place, built in firsts.items()
    )


def views(found: tuple[tuple[str, Built], ...]) -> tuple[str, ...]:
    """A remark where storages hold more than the tensors do."""
    held: dict[str, int] = {}
    used: dict[object, tuple[str, int]] = {}
    for _, built in found:
        if built.storage is not None:
            held[built.storage.key] = built.storage.size
            used[built.place, built.shape] = (built.storage.key, built.size)
    shown: dict[str, int] = {}
    for key, size in used.values():
        shown[key] = shown.get(key, 0) + size
    unused = {key: held[key] - size for key, size in shown.items() if held[key] > size}
    if not unused:
        return ()
    return (
        f"{units.counted(len(unused), 'storage')} {'has' if len(unused) == 1 else 'have'} "
        f"{units.size(sum(unused.values()))} that no tensor shows: some are views, saved with all "
        "that they are views of",
    )
