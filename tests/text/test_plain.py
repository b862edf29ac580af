"""Strangers' text, made safe to show."""

from __future__ import annotations

import pytest

from nninspect.text.plain import plain, without_escapes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv1", "conv1"),
        ("네트워크 × –", "네트워크 × –"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("bell\x07 del\x7f", "bell␇ del␡"),
        ("c1\x9b31m", "c1\ufffd31m"),
        ("right\u202eleft", "right\ufffdleft"),
        ("half\ud800", "half\ufffd"),
        ("two\nlines", "two␊lines"),
    ],
)
def test_what_does_not_print_is_shown_as_a_picture(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert plain(text).isprintable()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x1b(Bplain\x1bM", "plain"),
        ("\x1b[?25lhidden", "hidden"),
        ("no escape", "no escape"),
    ],
)
def test_escape_codes_are_left_out(text: str, left: str) -> None:
    assert without_escapes(text) == left
