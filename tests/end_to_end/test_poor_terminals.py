"""The real command where a terminal has little."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Start = Callable[..., Any]
_TITLE = re.compile(rb"\x1b\][^\x07]*\x07")


def test_in_ascii_no_other_byte_is_written(terminal: Start) -> None:
    app = terminal("resnet-small", "--ascii")
    app.see("v ResNetSmall", "175,258 params")
    app.press("?")
    app.see("In the tree", "+-")
    drawn = _TITLE.sub(b"", app.written[app.written.index(b"\x1b[?1049h") :])
    assert [byte for byte in drawn if byte > 127] == []


def test_sixteen_colours_show_the_same(terminal: Start) -> None:
    app = terminal("resnet-small", colours="")
    app.see("▾ ResNetSmall", "175,258 params")
    assert b"\x1b[38;2;" not in app.written
    assert b"48;2;" not in app.written
