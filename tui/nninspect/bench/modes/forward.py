"""What the modes of inference share: a forward to call, and other arguments for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from nninspect.engine.inputs import Arguments


def forward_of(model: nn.Module, arguments: Arguments) -> Callable[[], object]:
    """One forward, ready to be called over and over."""
    args, kwargs = arguments

    def forward() -> object:
        return model(*args, **kwargs)

    return forward


def converted(arguments: Arguments, convert: Callable[[Tensor], Tensor]) -> Arguments:
    """The arguments with each tensor converted, those within dicts too."""

    def each(value: Any) -> Any:
        if isinstance(value, Tensor):
            return convert(value)
        return {name: each(part) for name, part in value.items()}

    args, kwargs = arguments
    return tuple(map(each, args)), {name: each(value) for name, value in kwargs.items()}
