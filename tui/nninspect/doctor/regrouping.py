"""Views that put numbers of different dimensions side by side, told by the shapes alone."""

from __future__ import annotations

import math
from typing import NamedTuple

Shape = tuple[int, ...]


class Regrouped(NamedTuple):
    """What a view does where a transposition was meant, as dimensions of the two shapes."""

    order: tuple[int, ...]
    """The order of `split`'s dimensions that leads to the shape of the view."""
    split: Shape
    """The given shape, or how to split its dimensions first; no transposition but `order`."""


def regrouped(given: Shape, made: Shape) -> Regrouped | None:
    """The transposition that was meant by a view from one shape to another; None where the view
    only splits, merges or drops dimensions, where it takes the first along, which may be any
    number, and where no transposition explains it.

    A view keeps the numbers in their order: from (B, T, C) to (B, H, T, D) the T of the one is
    not the T of the other.
    """
    start = _equal_before(given, made)
    inner, outer = given[start:], made[start:]
    if not start or len(inner) < 2 or math.prod(inner) != math.prod(outer):
        return None
    split, order = inner, _turned(inner, outer) or _merged(inner, outer)
    if order is None and _is_split(inner, outer):
        split, order = (inner[0], outer[0], outer[2]), (1, 0, 2)
    if order is None:
        return None
    return Regrouped((*range(start), *(start + place for place in order)), (*given[:start], *split))


def takes_from_samples(given: Shape, made: Shape) -> bool:
    """Whether a view makes several rows of features of each sample that has more dimensions than
    that: (B, 8, 16, 16) to (4 B, 512), as `view(-1, 512)` does where 512 is the wrong number."""
    if len(given) < 3 or len(made) != 2 or not given[0] or made[0] % given[0]:
        return False
    if given[-1] == made[-1]:
        return False
    rows, left = made[0] // given[0], list(given[1:])
    while left and rows % left[0] == 0:
        rows //= left.pop(0)
    return rows > 1 and len(left) > 1


def _equal_before(given: Shape, made: Shape) -> int:
    """How many of the first dimensions are the same."""
    pairs = zip(given, made, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(given), len(made)))


def _is_split(inner: Shape, outer: Shape) -> bool:
    """(T, C) as (H, T, C / H)."""
    if len(inner) != 2 or len(outer) != 3 or 1 in outer[:2]:
        return False
    return outer[1] == inner[0] != outer[0] and inner[1] == outer[0] * outer[2]


def _turned(inner: Shape, outer: Shape) -> tuple[int, ...] | None:
    """The order that makes one of the other; None where it stays as it is, where ones only move,
    and where sizes that are alike leave it open, or differ by 1, as in the shift of relative
    positions."""
    sizes = [size for size in inner if size > 1]
    if sorted(inner) != sorted(outer) or len(set(sizes)) != len(sizes) or len(sizes) < 2:
        return None
    if sizes == [size for size in outer if size > 1]:
        return None
    if len(sizes) == 2 and abs(sizes[0] - sizes[1]) == 1:
        return None
    return tuple(_place(inner, outer, place) for place in range(len(outer)))


def _place(inner: Shape, outer: Shape, place: int) -> int:
    """Where a dimension of the result stands in the given one; of those of size 1 the next."""
    nth = outer[:place].count(outer[place])
    return [at for at, size in enumerate(inner) if size == outer[place]][nth]


def _merged(inner: Shape, outer: Shape) -> tuple[int, ...] | None:
    """The order for (H, T, D) to (T, H * D); None where it is no such merge."""
    if len(inner) != 3 or len(outer) != 2 or inner[0] == inner[1] or 1 in inner[:2]:
        return None
    return (1, 0, 2) if outer == (inner[1], inner[0] * inner[2]) else None
