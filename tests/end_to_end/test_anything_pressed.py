"""Whatever is pressed and clicked, in terminals of whatever size, the app goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]

KEYS = (
    *"hjklgGzZuSCmxMpJKf[]/nNdibBvcLTXorWRwyet12345EsHa0<>{}? ",
    *("\x1b", "\r") * 4,
    *("\t", "\x7f", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[6~", "\x1b[5~"),
    *("\x10", "\x14", "\x18", "\x0c"),
)
SIZES = ((60, 18), (80, 24), (120, 40), (200, 50), (40, 10), (300, 80), (20, 5))
BUTTONS = (0, 0, 0, 2, 32, 64, 65)
"""Left, right, dragged, and the wheel both ways, as a terminal tells of them."""


def test_random_keys_clicks_and_sizes_do_not_end_it(warm_terminal: Start) -> None:
    go_on(warm_terminal("resnet-small"), random.Random(1), steps=80)


@pytest.mark.long
@pytest.mark.parametrize("target", ["resnet-small", "broken-softmax-ce", "transformer-encoder"])
@pytest.mark.parametrize("seed", range(5))
def test_not_in_the_long_run_either(terminal: Start, target: str, seed: int) -> None:
    go_on(terminal(target), random.Random(f"{target} {seed}"), steps=600)


def go_on(app: Any, choose: random.Random, steps: int) -> None:
    app.see("torch ")
    pressed: list[object] = []
    for _ in range(steps):
        pressed.append(key := _mouse(choose) if choose.random() < 0.25 else choose.choice(KEYS))
        app.press(key)
        if choose.random() < 0.03:
            pressed.append(size := choose.choice(SIZES))
            app.resize(*size)
        app.pause(choose.choice((0.0, 0.02, 0.05, 0.3)))
        if app.exit_code == 0:  # what was typed into the palette may have found "quit"
            return
        assert app.exit_code is None, f"{pressed[-30:]}\n{app.text}"


def _mouse(choose: random.Random) -> str:
    button, x, y = choose.choice(BUTTONS), choose.randint(1, 120), choose.randint(1, 40)
    pressed = f"\x1b[<{button};{x};{y}M"
    return pressed + (f"\x1b[<{button};{x};{y}m" if button in (0, 2) else "")
