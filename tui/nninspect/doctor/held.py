"""What a module holds beside its registered parts: values of plain attributes, nested ones too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from nninspect.doctor.structure import Structure

MAX_DEPTH = 4
MAX_LOOKED_AT = 10_000


def held_in(value: Any, kind: type[Any] | tuple[type[Any], ...]) -> list[Any]:
    """A value of that kind, and those in lists, tuples, sets and dicts around it, each once."""
    found: dict[int, Any] = {}
    waiting, looked_at = [(value, 0)], 0
    while waiting and looked_at < MAX_LOOKED_AT:
        each, depth = waiting.pop(0)
        looked_at += 1
        if isinstance(each, kind):
            found[id(each)] = each
        elif depth < MAX_DEPTH and isinstance(each, (list, tuple, set, frozenset, Mapping)):
            parts = each.values() if isinstance(each, Mapping) else each
            waiting += [(part, depth + 1) for part in parts]
    return list(found.values())


def held_tensors(structure: Structure) -> Iterator[tuple[str, str, list[torch.Tensor]]]:
    """The path of each module that holds tensors nobody registered, the attribute, and them."""
    registered = {_storage(parameter) for parameter in structure.parameters.values()}
    registered |= {_storage(buffer) for buffer in structure.model.buffers()}
    for path, module in structure.modules():
        for name, value in structure.plain_attributes(module).items():
            found = held_in(value, torch.Tensor)
            lost = [tensor for tensor in found if _storage(tensor) not in registered]
            if lost:
                yield path, name, lost


def holding_graphs(model: nn.Module) -> frozenset[tuple[str, str]]:
    """The attributes and buffers that hold computed tensors with their graphs."""
    return frozenset(
        (path, name)
        for path, module in model.named_modules()
        for name, value in (*vars(module).items(), *module._buffers.items())
        if any(tensor.grad_fn is not None for tensor in held_in(value, torch.Tensor))
    )


def _storage(tensor: torch.Tensor) -> object:
    """What two views of the same numbers share."""
    try:
        pointer = tensor.untyped_storage().data_ptr()
    except (RuntimeError, ValueError):
        return id(tensor)
    return pointer or id(tensor)
