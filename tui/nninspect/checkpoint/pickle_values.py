"""What a pickle says, as values that nothing was called for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Global:
    """A class or a function by its name; never imported."""

    name: str


@dataclass(slots=True)
class Persistent:
    """What stands outside of the pickle: a storage."""

    key: Value


class Node:
    """Whatever is made by a call, or filled later: dicts, lists, sets, objects."""

    __slots__ = ("args", "items", "kind", "pairs", "state")

    def __init__(self, kind: str, args: tuple[Value, ...] = ()) -> None:
        self.kind = kind
        """The name of what would be called: "collections.OrderedDict"; "dict", "list", "set"."""
        self.args = args
        self.pairs: list[tuple[Value, Value]] | None = None
        self.items: list[Value] | None = None
        self.state: Value = None

    def put(self, pairs: list[tuple[Value, Value]]) -> None:
        if self.pairs is None:
            self.pairs = pairs
        else:
            self.pairs += pairs

    def append(self, items: list[Value]) -> None:
        if self.items is None:
            self.items = items
        else:
            self.items += items


Value: TypeAlias = (
    bool | int | float | str | bytes | tuple["Value", ...] | Global | Persistent | Node | None
)


def fields_of(value: Value) -> dict[str, Value]:
    """What an object or a dict has by name: its pairs, and its state's."""
    if not isinstance(value, Node):
        return {}
    found = {key: each for key, each in value.pairs or () if isinstance(key, str)}
    states = value.state if isinstance(value.state, tuple) else (value.state,)
    for state in states:
        if isinstance(state, Node):
            found |= {key: each for key, each in state.pairs or () if isinstance(key, str)}
    return found


def integers(value: Value) -> tuple[int, ...] | None:
    """Of a tuple, a list or a torch.Size; None where it is something else."""
    if isinstance(value, Node):
        if value.kind == "torch.Size" and len(value.args) == 1:
            return integers(value.args[0])
        value = tuple(value.items or ()) if value.kind == "list" else None
    if isinstance(value, tuple) and all(type(each) is int for each in value):
        return tuple(each for each in value if type(each) is int)
    return None
