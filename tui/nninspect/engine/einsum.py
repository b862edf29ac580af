"""The products of an einsum, contracted from left to right as torch does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

import torch

Labels = list[str]


def einsum_products(equation: str, shapes: Sequence[tuple[int, ...]]) -> int | None:
    """Mult-adds of `torch.einsum`; 0 where it sums no products, None where the order is not known.

    Dimensions of one operand alone that are not in the output are summed before the product, as
    are those of which the other has a single place; and a pair that shares no more than these is
    multiplied elementwise, which counts as none.
    """
    if len(shapes) > 2 and _is_reordered():
        return None
    operands, output = _parse(equation, shapes)
    sizes = [
        dict(zip(labels, shape, strict=True))
        for labels, shape in zip(operands, shapes, strict=True)
    ]
    total, left = 0, sizes[0]
    for place, right in enumerate(sizes[1:], 2):
        needed = set(output).union(*operands[place:])
        pair = {label: max(left.get(label, 1), right.get(label, 1)) for label in {**left, **right}}
        summed = {n for n in pair if n not in needed and min(left.get(n, 1), right.get(n, 1)) > 1}
        kept = {label: size for label, size in pair.items() if label in needed}
        if summed:
            total += prod(kept.values()) * prod(pair[label] for label in summed)
        left = kept
    return total


def _is_reordered() -> bool:
    """A library chooses the order of more than two operands."""
    return torch.backends.opt_einsum.is_available()


def _parse(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the output.

    The dimensions of an ellipsis are labelled from the right: "…1" is the last.
    """
    given, arrow, after = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(shapes):
        raise ValueError("as many terms as operands")
    operands = [_labels(term, len(shape)) for term, shape in zip(terms, shapes, strict=True)]
    hidden = sorted({n for labels in operands for n in labels if n.startswith("…")}, reverse=True)
    if arrow:
        output = _labels(after, len(after.replace("...", "")) + len(hidden))
    else:
        seen = Counter(label for labels in operands for label in labels)
        output = [*hidden, *(label for label, times in seen.items() if times == 1)]
    return operands, output


def _labels(term: str, rank: int) -> Labels:
    before, dots, behind = term.partition("...")
    hidden = rank - len(before) - len(behind) if dots else 0
    return [*before, *(f"…{place}" for place in range(hidden, 0, -1)), *behind]
