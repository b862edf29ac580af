"""Dtypes that don't go together, and calls that a dtype or a device has no version of."""

from __future__ import annotations

import torch
from torch import nn

from nninspect.engine.failures.facts import Facts, dtype_called
from nninspect.engine.tensors import dtype_name

_PAIRS = (
    r"must have the same dtype, but got (\w+) and (\w+)",
    r"to have the same dtype, but got: (\w+) != ([\w:]+)",
    r"Input type \(([\w. ]+)\) and (?:bias|weight) type \(([\w. ]+)\)",
    r"expected scalar type (\w+) but found (\w+)",
    r"query\.dtype: ([\w ]+) key\.dtype: ([\w ]+) and",
    r"expected dtype ([\w ]+) for `\w+` but got dtype ([\w ]+)",
)
_SAYS_DTYPE = r"dtype|data ?type|scalar type|Input type \("


def dtype(facts: Facts) -> str:
    """A layer whose weights are of another dtype than its input, or two operands that differ."""
    if not facts.says(_SAYS_DTYPE):
        return ""
    return _layer(facts) or _pair(facts)


def _layer(facts: Facts) -> str:
    weight = next(facts.module.parameters(recurse=False), None)
    if weight is None or not facts.inputs or not facts.is_plain(nn.Module):
        return ""
    wanted, got = dtype_name(weight.dtype), facts.inputs[0].dtype
    if wanted == got or isinstance(facts.module, (nn.Embedding, nn.EmbeddingBag)):
        return ""
    return (
        f"{facts.name} has {wanted} weights and got {got}: convert the input with "
        f".to(torch.{wanted})."
    )


def _pair(facts: Facts) -> str:
    for pattern in _PAIRS:
        if match := facts.says(pattern):
            one, other = dtype_called(match[1]), dtype_called(match[2])
            if not one or not other or one == other:
                continue
            wider = max(one, other, key=_rank)
            return f"The tensors are {one} and {other}: convert one with .to(torch.{wider})."
    return ""


def _rank(name: str) -> tuple[bool, bool]:
    """Which dtype weights are likely to have: floats before integers, float32 before others."""
    return getattr(torch, name).is_floating_point, name == "float32"


def indices(facts: Facts) -> str:
    """`gather`, `scatter`, `index_select` by numbers that are no integers."""
    if facts.says(r"Expected dtype int\S* for index|Expected dtype int32 or int64 for index"):
        return "The index is of floats: make it integers, with .long()."
    return ""


def unsupported(facts: Facts) -> str:
    """No version of the call for this dtype, or none without values."""
    if match := facts.says(r"\"(\w+)\" not implemented for '(\w+)'"):
        return _no_kernel(match[1], dtype_called(match[2]))
    if match := facts.says(r"(\w+)\(\): could not infer output dtype.*Got: ([\w.]+)"):
        return _no_kernel(match[1], dtype_called(match[2]))
    if facts.says(
        r"cannot be called on meta tensors|'Meta' backend|register_meta function|meta tensor"
    ):
        return (
            "This call needs the values of a tensor, and the meta device has none: run it with "
            "--device cpu."
        )
    if facts.says("with two bool tensors is not supported"):
        return "Use ^ for bool tensors, or convert them with .float()."
    return ""


def _no_kernel(call: str, name: str) -> str:
    if not name:
        return ""
    if getattr(torch, name).is_floating_point:
        return (
            f"{call} has no {name} version on this device: use --dtype float32 or another device."
        )
    return f"{call} has no {name} version: convert its input with .float()."
