"""The products of an einsum, contracted from left to right as torch does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

import torch

Labels = list[str]


def einsum_products(equation: str, shapes: Sequence[tuple[int, ...]]) -> int | None:
    """Mult-adds of `torch.einsum`; 0 where it sums no products, None where the order is not known.

    Dimensions of one operand alone that are not in the output are summed before the product,
    and a pair that shares no summed dimension is multiplied elementwise, which counts as none.
    """
    if len(shapes) > 2 and _is_reordered():
        return None
    operands, output, sizes = _parse(equation, shapes)
    total, left = 0, operands[0]
    for place, right in enumerate(operands[1:], 2):
        needed = set(output).union(*operands[place:])
        both = set(left) & set(right)
        one_alone = (set(left) ^ set(right)) & needed
        if both - needed:
            total += prod(sizes[label] for label in both | one_alone)
        left = [label for label in dict.fromkeys([*left, *right]) if label in needed]
    return total


def _is_reordered() -> bool:
    """A library chooses the order of more than two operands."""
    return torch.backends.opt_einsum.is_available()


def _parse(
    equation: str, shapes: Sequence[tuple[int, ...]]
) -> tuple[list[Labels], Labels, dict[str, int]]:
    """The labels of each operand and of the output, and the size of each label.

    The dimensions of an ellipsis are labelled from the right: "…1" is the last.
    """
    given, arrow, after = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(shapes):
        raise ValueError("as many terms as operands")
    operands = [_labels(term, len(shape)) for term, shape in zip(terms, shapes, strict=True)]
    sizes: dict[str, int] = {}
    for labels, shape in zip(operands, shapes, strict=True):
        for label, size in zip(labels, shape, strict=True):
            sizes[label] = max(size, sizes.get(label, 1))
    hidden = sorted({label for label in sizes if label.startswith("…")}, reverse=True)
    if arrow:
        output = _labels(after, len(after.replace("...", "")) + len(hidden))
    else:
        seen = Counter(label for labels in operands for label in labels)
        output = [*hidden, *(label for label, times in seen.items() if times == 1)]
    return operands, output, sizes


def _labels(term: str, rank: int) -> Labels:
    before, dots, behind = term.partition("...")
    hidden = rank - len(before) - len(behind) if dots else 0
    return [*before, *(f"…{place}" for place in range(hidden, 0, -1)), *behind]
