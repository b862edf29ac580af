"""Where in a forward numbers stop being numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nninspect.engine.tensors import tensors_in


def is_broken(tensor: torch.Tensor) -> bool:
    """It has a NaN, or an infinity above 0; -inf is what masks and log-probabilities may be."""
    if not tensor.is_floating_point() or not tensor.numel():
        return False
    return bool(tensor.isnan().any() or tensor.isposinf().any())


def origin_of_nan(model: nn.Module, arguments: Any) -> str | None:
    """The path of the first module to end that makes a NaN from numbers, so the innermost; None
    where there is none. The hooks are the caller's to clear away."""
    found: list[str] = []

    def ended(path: str, args: Any, kwargs: Any, output: Any) -> None:
        if found or not any(is_broken(tensor) for _, tensor in tensors_in(output)):
            return
        if not any(is_broken(tensor) for _, tensor in tensors_in([args, kwargs])):
            found.append(path)

    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda _, args, kwargs, output, path=path: ended(path, args, kwargs, output),
            with_kwargs=True,
        )
    args, kwargs = arguments
    model(*args, **kwargs)
    return found[0] if found else None
