"""Indices: into an embedding, into a tensor, and of a dimension."""

from __future__ import annotations

import re

import torch
from torch import nn

from nninspect.engine.failures.facts import Facts, argument_of, by

_INTEGERS = ("int64", "int32")


def embedding(facts: Facts) -> str:
    """Indices that are no integers, or beyond the table."""
    module = facts.module
    if not facts.is_plain(nn.Embedding) or not facts.inputs:
        return ""
    assert isinstance(module, nn.Embedding)
    got, rows = facts.inputs[0], module.num_embeddings
    typed = f"--input int64[0:{rows}]:{by(got.shape)}"
    if got.dtype not in _INTEGERS:
        return (
            f"{facts.name} takes indices and got {got.dtype}: make them integers with .long(), or "
            f"feed it {typed}."
        )
    if not facts.says(r"index out of range|device-side assert"):
        return ""
    says = f"{facts.name} takes indices from 0 to num_embeddings - 1 = {rows - 1}"
    bounds = _bounds(argument_of(facts.error, "embedding", "input"))
    if bounds is None:
        return f"{says}: feed it {typed}, or set num_embeddings higher."
    low, high = bounds
    if low < 0:
        return f"{says} and got {low}: feed it {typed}; padding needs an index of its own."
    if high < rows:
        return ""
    return f"{says} and got {high}: feed it {typed}, or set num_embeddings={high + 1}."


def _bounds(indices: object) -> tuple[int, int] | None:
    """The least and the largest; asked of the CPU only, as a failed accelerator can't answer."""
    if not isinstance(indices, torch.Tensor) or indices.device.type != "cpu" or not indices.numel():
        return None
    return int(indices.min()), int(indices.max())


def index(facts: Facts) -> str:
    """An index or a dimension that a tensor does not have."""
    if match := facts.says(r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)"):
        return _out_of_bounds(*map(int, match.groups()))
    if match := facts.says(
        r"index (-?\d+) out of range for tensor of size (\[[^]]*\]) at dimension (\d+)"
    ):
        size = [int(n) for n in match[2].strip("[]").split(",")]
        place = int(match[3])
        return _out_of_bounds(int(match[1]), place, size[place]) if place < len(size) else ""
    if match := facts.says(r"to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)"):
        low, high, got = map(int, match.groups())
        return (
            f"Dimensions from {low} to {high} are possible here, and the call asks for {got}."
            if low == -high - 1
            else ""
        )
    return ""


def _out_of_bounds(got: int, place: int, size: int) -> str:
    if -size <= got < size:
        return ""
    return (
        f"Dimension {place} has {size}, so its indices run from 0 to {size - 1}, and the call asks "
        f"for {got}."
    )


def taken_apart(facts: Facts) -> str:
    """`a, b = self.fc(x)` of a layer that gives one tensor, which falls apart along its batch."""
    match = facts.says(r"values to unpack \((?:expected (\d+))")
    called = re.fullmatch(r"(?:\w+, *)+\w+ = (.+)", facts.line)
    latest = next((step for step in reversed(facts.earlier) if hasattr(step, "module")), None)
    if not match or not called or latest is None or "self." not in called[1]:
        return ""
    outputs, name = latest.outputs or (), facts.names.get(id(latest.module), "")
    if len(outputs) != 1 or f"self.{name.partition(' ')[0]}(" not in called[1]:
        return ""
    return (
        f"{name} returns one tensor, {outputs[0].shape}, and this line takes {match[1]} things: "
        "take it whole."
    )


def unpacking(facts: Facts) -> str:
    """`b, c, h, w = x.shape` of a tensor with more or fewer dimensions."""
    if not facts.line.endswith((".shape", ".size()")):
        return ""
    match = facts.says(r"not enough values to unpack \(expected (\d+), got (\d+)\)")
    if match:
        return (
            f"The tensor has {match[2]} dimensions, and this line takes {match[1]}: feed the model "
            f"an --input of {match[1]}, or add the missing ones with unsqueeze."
        )
    if match := facts.says(r"too many values to unpack \(expected (\d+)"):
        return f"The tensor has more than the {match[1]} dimensions that this line takes."
    return ""
