"""Shapes that don't go together: view and reshape, broadcasting, cat and stack."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from nninspect.engine.failures.facts import Facts, Shape, by, ints, is_without_batch


def view(facts: Facts) -> str:
    """What a view or reshape could say instead."""
    if facts.says("view size is not compatible with input tensor's size and stride"):
        return "The tensor is not contiguous here, after a transpose or permute: use .reshape(…)."
    if match := facts.says(r"shape '(\[[^]]*\])' is invalid for input of size (\d+)"):
        return _invalid(facts, ints(match[1]), int(match[2]))
    if match := facts.says(
        r"Provided sizes (\[[^]]*\]) don't multiply up to the size of dim (\d+) \((\d+)\)"
    ):
        sizes = ints(match[1])
        return f"{by(sizes)} = {prod(sizes)} and dimension {match[2]} has {match[3]}."
    return ""


def _invalid(facts: Facts, wanted: Shape, size: int) -> str:
    known = prod(dim for dim in wanted if dim != -1)
    if known == 0 or (-1 not in wanted and known == size) or (-1 in wanted and size % known == 0):
        return ""
    before = _before(facts, size)
    says = f"{before or 'The tensor'} has {size} elements, which {list(wanted)} can't hold"
    if before is None or before[0] == 0 or is_without_batch(facts, before):
        return f"{says}: the numbers there are of {known}."
    batch, each = before[0], size // before[0]
    if len(wanted) == 2 and wanted[0] in (-1, batch) and len(before) > 1:
        return (
            f"{says}: write {each} for {wanted[1]}, as {by(before[1:])} = {each}; "
            "or torch.flatten(x, 1), which fits any size."
        )
    rest = prod(wanted[1:])
    if len(wanted) > 1 and wanted[0] not in (-1, batch) and (rest == each or _splits(wanted, each)):
        return f"{says}: the batch here is {batch}, not {wanted[0]}; write x.size(0) for it."
    return f"{says}: the numbers there are of {known}."


def _splits(wanted: Shape, each: int) -> bool:
    known = prod(dim for dim in wanted[1:] if dim != -1)
    return -1 in wanted[1:] and known > 0 and each % known == 0


def _before(facts: Facts, size: int) -> Shape | None:
    """The tensor that the call got: its own operand, else what the latest call gave."""
    if facts.op is not None:
        shapes = [tensor.shape for tensor in facts.op.inputs[:1]]
    else:
        latest = next((step.outputs for step in reversed(facts.earlier) if step.outputs), None)
        shapes = [tensor.shape for tensor in (facts.inputs if latest is None else latest)]
    fits = [shape for shape in shapes if shape and prod(shape) == size]
    return fits[0] if len(shapes) == 1 and fits else None


def broadcast(facts: Facts) -> str:
    """Two tensors that an elementwise call can't bring to one shape."""
    pair = _two(facts)
    match = facts.says(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at "
        r"non-singleton dimension (\d+)"
    )
    on_meta = facts.says(
        r"argument at index \d+ had torch\.Size\((\[[^]]*\])\); but expected shape should be "
        r"broadcastable to (\[[^]]*\])"
    )
    if not match and not on_meta:
        return _expand(facts)
    if pair is None and on_meta:
        pair = (ints(on_meta[2]), ints(on_meta[1]))
    if pair is not None and (place := _clash(*pair)):
        return _pair(*pair, place)
    if match:
        return (
            f"The tensors have {match[1]} and {match[2]} in dimension {match[3]}: they must be "
            "equal there, or one of them 1."
        )
    return ""


def einsum(facts: Facts) -> str:
    """A letter that stands for two sizes."""
    match = facts.says(
        r"subscript (\w) has size (\d+) for operand (\d+) which does not broadcast with previously "
        r"seen size (\d+)"
    )
    if match is None or facts.op is None:
        return ""
    letter, size, place, before = match.groups()
    shapes = ", ".join(str(tensor.shape) for tensor in facts.op.inputs)
    return (
        f"einsum got {shapes}: {letter} is {before} in an operand before and {size} in operand "
        f"{place}, counted from 0. They must be equal, or {letter} another letter in one of them."
    )


def _two(facts: Facts) -> tuple[Shape, Shape] | None:
    if facts.op is None or len(facts.op.inputs) != 2:
        return None
    one, other = facts.op.inputs
    return one.shape, other.shape


def _clash(one: Shape, other: Shape) -> int:
    """The last dimension, from the end, that can't be broadcast; 0 where all can."""
    for back in range(1, min(len(one), len(other)) + 1):
        if one[-back] != other[-back] and 1 not in (one[-back], other[-back]):
            return -back
    return 0


def _pair(one: Shape, other: Shape, place: int) -> str:
    says = (
        f"{one} and {other} can't be broadcast: they have {one[place]} and {other[place]} in "
        f"dimension {max(len(one), len(other)) + place}"
    )
    if len(one) == len(other) == 4 and one[1] != other[1] and one[2:] == other[2:]:
        few, many = sorted((one[1], other[1]))
        return f"{says}. nn.Conv2d({few}, {many}, 1) brings the one to the other's channels."
    if len(one) == len(other) == 4 and one[2:] != other[2:] and one[:2] == other[:2]:
        return f"{says}. Give both the same stride and padding, or resize one with F.interpolate."
    if len(one) == 2 and other[::-1] == one:
        return f"{says}. One of them transposed, with .T, fits."
    if len(other) == 1 and one.count(other[0]) == 1:
        meant = one.index(other[0])
        ones = ", 1" * (len(one) - 1 - meant)
        return f"{says}. .view(-1{ones}) lines the second up with dimension {meant}."
    return f"{says}; they must be equal there, or one of them 1."


def _expand(facts: Facts) -> str:
    match = facts.says(
        r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at "
        r"non-singleton dimension (\d+)\.\s+Target sizes: (\[[^]]*\])\.\s+Tensor sizes: (\[[^]]*\])"
    )
    if match is None:
        return ""
    return (
        f"{ints(match[5])} can't be expanded to {ints(match[4])}: dimension {match[3]} has "
        f"{match[2]} and only 1 can be repeated."
    )


def joining(facts: Facts) -> str:
    """`torch.cat` and `torch.stack` of tensors whose other dimensions differ."""
    shapes = [tensor.shape for tensor in facts.op.inputs] if facts.op is not None else []
    listed = f" It got {', '.join(map(str, shapes))}." if len(shapes) > 1 else ""
    match = facts.says(
        r"Sizes of tensors must match except in dimension (\d+)\. Expected (?:size )?(\d+).*?"
        r"but got (?:size )?(\d+) for tensor number (\d+)"
    )
    if match:
        fits = _joins(shapes)
        other = f" dim={fits[0]} fits." if len(fits) == 1 else ""
        return (
            f"torch.cat along dim={match[1]} needs the other dimensions equal: tensor {match[4]} "
            f"has {match[3]} where the first has {match[2]}.{listed}{other}"
        )
    match = facts.says(
        r"stack expects each tensor to be equal size, but got (?:torch\.Size\()?(\[[^]]*\])\)? "
        r"at entry 0(?: and (\[[^]]*\]) at entry (\d+))?"
    )
    if match:
        differs = (
            f" and tensor {match[3]} is {ints(match[2])}" if match[2] else " and another differs"
        )
        return f"torch.stack needs equal shapes: tensor 0 is {ints(match[1])}{differs}.{listed}"
    match = facts.says(r"same number of dimensions: got (\d+) and (\d+)") or facts.says(
        r"Expected (\d+)-D tensors, but got (\d+)-D"
    )
    if match:
        return (
            f"torch.cat needs as many dimensions in each: it got {match[1]} and {match[2]}; "
            f"unsqueeze or flatten one.{listed}"
        )
    return ""


def _joins(shapes: Sequence[Shape]) -> list[int]:
    """The dimensions along which they could be concatenated."""
    if len(shapes) < 2 or len({len(shape) for shape in shapes}) != 1:
        return []
    rank = len(shapes[0])
    return [d for d in range(rank) if len({(*s[:d], *s[d + 1 :]) for s in shapes}) == 1]
