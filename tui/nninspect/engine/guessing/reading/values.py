"""What is known of a value while a forward is read: where it comes from, or what it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, TypeAlias

import torch
from torch import nn

MOST_NAMES = 16
"""Turns of a loop over names that are read."""


@dataclass(frozen=True)
class Given:
    """An argument, an entry of one ("batch.image"), or something made from it."""

    path: str
    is_whole: bool = True
    """It has the argument's own dimensions still."""
    is_text: bool = False
    """Embedded tokens, in the argument's order of dimensions."""
    step_of: int | None = None
    """It is one step of the argument along this dimension: `x[t]`, `x[:, t]`."""


@dataclass(frozen=True)
class Shape:
    """The shape of an argument."""

    path: str


@dataclass(frozen=True)
class Held:
    """An object that the model holds: a module, a tensor, a list of modules; or a constant."""

    value: Any


@dataclass(frozen=True)
class Method:
    """A function of a module's class."""

    owner: nn.Module
    function: FunctionType


@dataclass(frozen=True)
class Several:
    """A tuple or list that is written out."""

    items: tuple[Value, ...]


Value: TypeAlias = Given | Shape | Held | Method | Several | None


@dataclass(frozen=True)
class Use:
    """A layer, or a weight, that an argument goes into."""

    layer: nn.Module | torch.Tensor
    argument: str
    """What the layer calls it: "input", "hx", "attn_mask"."""
    is_whole: bool
    step_of: int | None = None
    """See `Given`."""


@dataclass
class Reading:
    """What a forward does with one argument, or with one entry of it."""

    uses: list[Use] = field(default_factory=list)
    dims: tuple[str, ...] = ()
    """The names that its shape is unpacked into."""
    is_time_first: bool = False
    """Its tokens go into a recurrent layer or a transformer that takes the batch second."""
    is_optional: bool = False
    is_list: bool = False
    """It has to be a list, as its annotation or a check says."""
    is_index: bool = False
    """It chooses entries of something, or is the class that a loss is told."""
    is_stacked: bool = False
    """It is an item of a list that the forward stacks itself: it has no batch."""
    least_dims: int = 0
    """It has as many dimensions at least."""


def attribute(owner: Any, name: str) -> Value:
    """What `owner.name` is, where no code has to run for that."""
    if isinstance(owner, torch.jit.ScriptModule):
        return None
    if isinstance(owner, nn.Module):
        for held in (vars(owner), owner._modules, owner._parameters, owner._buffers):
            if held.get(name) is not None:
                return Held(held[name])
        function = inspect.getattr_static(type(owner), name, None)
        return Method(owner, function) if isinstance(function, FunctionType) else None
    if isinstance(owner, torch.Tensor) and name in ("T", "t", "mT") and owner.dim() == 2:
        return Held(owner.detach().t())
    return None


def item(owner: Any, key: object) -> Value:
    """What `owner[key]` is, of a list or dict of modules; the first where the key is not known."""
    entries = list(_entries(owner))
    found = next((value for name, value in entries if name == key), None)
    if isinstance(key, int) and entries and -len(entries) <= key < len(entries):
        found = entries[key][1]
    return Held(entries[0][1]) if found is None and entries else found and Held(found)


def names_held(owner: Any) -> list[str]:
    """The keys of a dict of modules, or what a list of names has; [] for anything else."""
    if isinstance(owner, nn.ModuleDict):
        return list(owner)[:MOST_NAMES]
    is_plain = isinstance(owner, (dict, list, tuple)) and all(isinstance(one, str) for one in owner)
    return list(owner)[:MOST_NAMES] if is_plain else []


def first(value: Value) -> Value:
    """What a loop over it starts with."""
    match value:
        case Held(owner):
            return item(owner, 0)
        case Several(items):
            return items[0] if items else None
        case Given(path):
            return Given(path, is_whole=False)
        case _:
            return None


def _entries(owner: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(owner, nn.Module) and not isinstance(owner, torch.jit.ScriptModule):
        yield from owner._modules.items()
    elif isinstance(owner, Mapping):
        yield from owner.items()
    elif isinstance(owner, (list, tuple)):
        yield from enumerate(owner)


def given_in(value: Value) -> Given | None:
    """The first argument in a value."""
    match value:
        case Given():
            return value
        case Several(items):
            return next((found for one in items if (found := given_in(one))), None)
        case _:
            return None
