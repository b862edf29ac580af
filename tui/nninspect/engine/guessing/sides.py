"""The side of an image, or the length of a signal, that makes a later layer's size come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

STANDARD = (
    *(8, 16, 24, 28, 32, 48, 56, 64, 80, 84, 96, 100, 112, 128, 150, 160, 180, 192, 200),
    *(224, 227, 240, 256, 288, 299, 300, 320, 331, 384, 416, 448, 480, 512, 640, 1000, 1024),
    *(2048, 4096, 8000, 16000),
)
"""Sides that data sets and published networks have."""

NEAR = 0.15
"""How far, as a share, a standard side may be from the computed one."""

MAX_SIDE = 20_000


def sides(want: int, dims: int, measured: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Sides to try next, the likeliest first.

    measured: (side, the size it gave), the latest last. The size grows with the side to the
    power of `dims`, in steps where there is pooling.
    """
    side, got = measured[-1]
    if len({one for one, _ in measured}) > 1 and len({one for _, one in measured}) == 1:
        return  # it does not depend on the side
    low = max((one for one, size in measured if size < want), default=0)
    high = min((one for one, size in measured if size > want), default=MAX_SIDE)
    computed = [*_secants(want, dims, measured), side * (want / max(got, 1)) ** (1 / dims)]
    ordered = [
        *(one for centre in computed for one in _standard(centre)),
        *(round(centre) + step for centre in computed for step in (0, -1, 1, -2, 2)),
    ]
    if low and high < MAX_SIDE:
        ordered.append((low + high) // 2)
    yield from dict.fromkeys(one for one in ordered if low < one < high)


def _secants(want: int, dims: int, measured: Sequence[tuple[int, int]]) -> Iterator[float]:
    """The root of the size is nearly linear in the side."""
    (side, got) = measured[-1]
    for other, size in reversed(measured[:-1]):
        rise = got ** (1 / dims) - size ** (1 / dims)
        if rise:
            slope = (side - other) / rise
            yield side + (want ** (1 / dims) - got ** (1 / dims)) * slope
            return


def _standard(centre: float) -> list[int]:
    near = [one for one in STANDARD if abs(one - centre) <= NEAR * centre]
    return sorted(near, key=lambda one: abs(one - centre))


def square_shapes(elements: int, channels: Sequence[int] = (1, 3)) -> Iterator[tuple[int, ...]]:
    """Images of that many elements: 784 → (1, 28, 28), 3072 → (3, 32, 32)."""
    for channel in channels:
        side = round((elements / channel) ** 0.5)
        if side > 1 and channel * side * side == elements:
            yield channel, side, side
