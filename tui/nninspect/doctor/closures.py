"""Functions that a model holds and that hold the model: a copy's would run the original."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

import torch
from torch import nn

from nninspect.doctor.held import held_in


def is_closed_over(model: nn.Module) -> bool:
    """Whether a function in an attribute or a hook has one of the model's parts in a closure."""
    parts = {id(part) for part in (*model.modules(), *model.parameters())}
    return any(
        id(held) in parts
        for module in model.modules()
        for function in _functions(module)
        for held in _enclosed(function)
    )


def _functions(module: nn.Module) -> Iterator[FunctionType]:
    found = held_in(list(vars(module).values()), (FunctionType, partial))
    for each in found:
        inner = each.func if isinstance(each, partial) else each
        if isinstance(inner, FunctionType):
            yield inner


def _enclosed(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield from held_in(cell.cell_contents, (nn.Module, torch.Tensor))
        except ValueError:  # not yet set
            continue
