"""Shapes as they are written: one tensor as a tuple, several by how they are reached."""

from __future__ import annotations

from collections.abc import Sequence

from nninspect.protocol.layers import Tensors
from nninspect.text.units import NONE, UNKNOWN


def shape(dims: Sequence[int]) -> str:
    """As PyTorch's docs write it: "(1, 3, 32, 32)", "(10,)", "()"."""
    return str(tuple(dims))


def tensors(found: Tensors | None) -> str:
    """ "(1, 3, 32, 32)" for one tensor; "0=(2, 8), mask=(2,)" for several.

    "–" where there are none, "?" where they are not known.
    """
    if found is None:
        return UNKNOWN
    if not found:
        return NONE
    return ", ".join(
        f"{tensor.key}={shape(tensor.shape)}" if tensor.key else shape(tensor.shape)
        for tensor in found
    )


def dtypes(found: Tensors | None) -> str:
    """The dtypes of the tensors, each once, in order."""
    return ", ".join(dict.fromkeys(tensor.dtype for tensor in found or ()))
