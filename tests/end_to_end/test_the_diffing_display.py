"""The real app twice, drawn by us and by Textual: whatever is pressed, both look the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

KEYS = (*"jjjjkGghlzZu1212w", "\x1b[6~", "\x1b[5~", "\x1b[6~", " ", "\r", "/", "\x1b")
STEPS = 12
QUIET_S = 0.04
"""What comes later is waited for where the two differ."""

TERMINALS = [(80, 24, "truecolor"), (200, 50, "truecolor"), (80, 24, ""), (200, 50, "")]


@pytest.mark.parametrize(("columns", "rows", "colours"), TERMINALS)
def test_it_shows_cell_by_cell_what_textual_shows(
    warm_terminal: Start, columns: int, rows: int, colours: str
) -> None:
    go_at_random(warm_terminal, columns, rows, colours, STEPS)


@pytest.mark.long
@pytest.mark.parametrize(("columns", "rows", "colours"), TERMINALS)
def test_it_does_so_for_as_long_as_one_likes(
    warm_terminal: Start, columns: int, rows: int, colours: str
) -> None:
    go_at_random(warm_terminal, columns, rows, colours, 20 * STEPS)


def go_at_random(terminal: Start, columns: int, rows: int, colours: str, steps: int) -> None:
    both = [
        terminal("resnet-small", *more, columns=columns, rows=rows, colours=colours)
        for more in ((), ("--stock-display",))
    ]
    ours, stock = both
    for app in both:
        app.see("ResNetSmall", "stem", "torch ")
    choose = random.Random(columns)
    pressed: list[str] = []
    for _ in range(steps):
        pressed.append(choose.choice(KEYS))
        for app in both:
            app.press(pressed[-1])
        for app in both:
            app.settle(QUIET_S)
        assert differing(ours, stock) == [], pressed
    assert len(ours.written) < len(stock.written) / 3


def differing(ours: Any, stock: Any) -> list[object]:
    """The first cells that differ, once there was time for both to draw them."""
    for _ in range(20):
        pairs = zip(ours.cells(), stock.cells(), strict=True)
        rows = [(y, a, b) for y, (a, b) in enumerate(pairs) if a != b and not tells_free(a)]
        if not rows:
            return []
        ours.settle()
        stock.settle()
    y, a, b = rows[0]
    return [(y, x, *both) for x, both in enumerate(zip(a, b, strict=True)) if both[0] != both[1]][
        :5
    ]


def tells_free(row: Any) -> bool:
    """The row of the free memory, which is another a moment later."""
    return "free" in "".join(str(cell[0]) for cell in row)
