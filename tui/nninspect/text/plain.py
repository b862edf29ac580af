"""Text of strangers made safe to show: no escape code, control or markup is left in it."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"""
    \x1b \[ [0-?]* [ -/]* [@-~]                  # CSI: colours, cursor
    | \x1b [\]PX^_] .*? (?: \x07 | \x1b\\ | $ )  # OSC and other strings
    | \x1b [ -/]* [0-~]                          # the short ones
    """,
    re.VERBOSE | re.DOTALL,
)
_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"
_REPLACEMENT = "\ufffd"


def plain(text: str) -> str:
    """One line as it can be shown: whatever would not print stands as a picture of itself."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _picture(char) for char in text)


def without_escapes(text: str) -> str:
    """The text without terminal escape codes; what is left of broken ones is for `plain`."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return _DELETE_PICTURE if code == 0x7F else _REPLACEMENT
