"""The real command where a terminal has little."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Start = Callable[..., Any]
_TITLE = re.compile(rb"\x1b\][^\x07]*\x07")
_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:[349]\d|10[0-7])[;\dm]")

EVERYWHERE = (
    ("c", "NN3"),
    ("w", "what it flags"),
    ("\x1b", "to its layer"),
    ("L", "cross_entropy"),
    ("\x1b4", "tensor"),
    ("5", "worker ready"),
    ("2B", "quick"),
    ("\x1b1\r", "(the model)"),
    ("/conv", "match"),
    ("\x1bs", "sort by"),
    ("\x1bC", "columns"),
    ("\x1bi", "train mode"),
    ("\x1bo", "type to find"),
    ("\x1b\x10", "Search for commands"),
    ("\x1b?", "In the tree"),
)
"""What is pressed, and what it brings to see: every tab, and every dialog."""


TABS = (("c", "NN3"), ("4", "tensor"), ("5", "worker ready"), ("2", "B"))


def go(app: Any, stations: tuple[tuple[str, str], ...]) -> bytes:
    """All that was drawn on the way."""
    app.see("module", "params", "torch ")
    for keys, seen in stations:
        for key in keys:
            app.press(key)
            app.settle(0.3 if key == "\x1b" else 0.05)  # what follows at once is alt with a key
        app.see(seen)
    return _TITLE.sub(b"", app.written[app.written.index(b"\x1b[?1049h") :])


def test_in_ascii_and_without_colours_no_other_byte_is_written(warm_terminal: Start) -> None:
    app = warm_terminal("broken-softmax-ce", "--ascii", columns=80, rows=24, NO_COLOR="1")
    drawn = go(app, EVERYWHERE)
    assert [byte for byte in drawn if byte > 127] == []
    assert _COLOUR.findall(drawn) == []
    assert b"\x1b[7m" in drawn


def test_sixteen_colours_show_the_same(warm_terminal: Start) -> None:
    app = warm_terminal("broken-softmax-ce", colours="", TERM="linux")
    drawn = go(app, TABS)
    assert b"38;2;" not in drawn
    assert b"48;2;" not in drawn
    assert b"38;5;" not in drawn
