"""Tensors that a shape rule answers for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Made: TypeAlias = "tuple[Sequence[int], torch.dtype] | None"
"""The shape and the dtype of one new contiguous tensor; None where it is the kernel's to say."""


def is_plain(*tensors: Tensor | None) -> bool:
    """Each is without values, contiguous, of no kind of its own, and none is differentiated."""
    return all(
        tensor is None
        or (
            type(tensor) in _KINDS
            and tensor.is_meta
            and tensor.is_contiguous()
            and tensor.dtype in _DTYPES
            and not (tensor.requires_grad and torch.is_grad_enabled())
        )
        for tensor in tensors
    )


_KINDS = frozenset({Tensor, torch.nn.Parameter})
_DTYPES = frozenset(
    {
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    }
)
"""Those that every kernel takes."""


def are_alike(input: Tensor, *others: Tensor | None) -> bool:
    """Plain ones of one floating dtype."""
    return (
        is_plain(input, *others)
        and input.is_floating_point()
        and all(other is None or other.dtype is input.dtype for other in others)
    )


def larger(one: torch.Size, other: torch.Size) -> torch.Size | None:
    """The one that the other is broadcast to; None where both are, or can't be."""
    if one == other:
        return one
    if len(one) < len(other) or (len(one) == len(other) and one.numel() < other.numel()):
        one, other = other, one
    for size, wanted in zip(reversed(other), reversed(one), strict=False):
        if size not in (wanted, 1):
            return None
    return one
