"""The real app twice, drawn by us and by Textual: whatever is pressed, both look the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

KEYS = (*"jjjjkGghlzZu1212w", "\x1b[6~", "\x1b[5~", "\x1b[6~", " ", "\r", "/", "\x1b")
STEPS = 50


@pytest.mark.parametrize(
    ("columns", "rows", "colours"),
    [(80, 24, "truecolor"), (200, 50, "truecolor"), (80, 24, ""), (200, 50, "")],
)
def test_it_shows_cell_by_cell_what_textual_shows(
    terminal: Start, columns: int, rows: int, colours: str
) -> None:
    both = [
        terminal("resnet-small", *more, columns=columns, rows=rows, colours=colours)
        for more in ((), ("--stock-display",))
    ]
    ours, stock = both
    for app in both:
        app.see("ResNetSmall", "stem", "torch ")
    choose = random.Random(columns)
    pressed: list[str] = []
    for _ in range(STEPS):
        pressed.append(choose.choice(KEYS))
        for app in both:
            app.press(pressed[-1])
        for app in both:
            app.settle()
        assert differing(ours, stock) == [], pressed
    assert len(ours.written) < len(stock.written) / 3


def differing(ours: Any, stock: Any) -> list[object]:
    """The first cells that differ, once there was time for both to draw them."""
    for _ in range(20):
        pairs = zip(ours.cells(), stock.cells(), strict=True)
        rows = [(y, a, b) for y, (a, b) in enumerate(pairs) if a != b]
        if not rows:
            return []
        ours.settle()
        stock.settle()
    y, a, b = rows[0]
    return [(y, x, *both) for x, both in enumerate(zip(a, b, strict=True)) if both[0] != both[1]][
        :5
    ]
