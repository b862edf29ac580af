"""Pens: how a cell is drawn, read from and written as SGR parameters."""

from __future__ import annotations

from typing import NamedTuple

ENDS = {1: 22, 2: 22, 3: 23, 4: 24, 5: 25, 6: 25, 7: 27, 8: 28, 9: 29, 21: 24, 53: 55}
"""What begins an attribute, and what ends it. Some share their end."""

SHOWN_ON_BLANKS = frozenset({4, 7, 9, 21, 53})
"""Underline, reverse, strike and overline: with these, a blank is not just its background."""

FOREGROUND = frozenset((*range(30, 38), *range(90, 98)))
BACKGROUND = frozenset((*range(40, 48), *range(100, 108)))
EXTENDED = {5: 2, 2: 4}
"""How many parameters a colour has after 38 or 48: an index, or three shares."""


class Pen(NamedTuple):
    """Attributes as SGR codes, colours as SGR parameters; "" is the terminal's own colour."""

    attributes: frozenset[int] = frozenset()
    foreground: str = ""
    background: str = ""

    @property
    def on_blanks(self) -> Pen:
        """The pen that draws a blank alike, and is the same for all that do."""
        if self.attributes & SHOWN_ON_BLANKS:
            return self
        return Pen(background=self.background)

    def change_to(self, other: Pen) -> str:
        """The sequence that turns this pen into another; "" where they are the same."""
        if self == other:
            return ""
        if other == PLAIN:
            return "\x1b[m"
        ended = {ENDS[code] for code in self.attributes - other.attributes}
        kept = {code for code in self.attributes if ENDS[code] not in ended}
        codes = [str(code) for code in (*sorted(ended), *sorted(other.attributes - kept))]
        if self.foreground != other.foreground:
            codes.append(other.foreground or "39")
        if self.background != other.background:
            codes.append(other.background or "49")
        return f"\x1b[{';'.join(codes)}m"


PLAIN = Pen()


def read_sgr(pen: Pen, parameters: str) -> Pen | None:
    """The pen after an SGR sequence; None where one of its parameters is not known here."""
    codes = [int(code or 0) for code in parameters.split(";")]
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            length = EXTENDED.get(codes[0], 0) if codes else 0
            if not length or len(codes) < length:
                return None
            colour = ";".join(map(str, (code, *codes[:length])))
            del codes[:length]
            pen = _coloured(pen, code, colour)
        elif (changed := _after(pen, code)) is not None:
            pen = changed
        else:
            return None
    return pen


def _after(pen: Pen, code: int) -> Pen | None:
    if code == 0:
        return PLAIN
    if code in ENDS:
        return pen._replace(attributes=pen.attributes | {code})
    if code in ENDS.values():
        kept = frozenset(begun for begun in pen.attributes if ENDS[begun] != code)
        return pen._replace(attributes=kept)
    if code in FOREGROUND or code in BACKGROUND:
        return _coloured(pen, 38 if code in FOREGROUND else 48, str(code))
    if code in (39, 49):
        return _coloured(pen, code - 1, "")
    return None


def _coloured(pen: Pen, ground: int, colour: str) -> Pen:
    return pen._replace(foreground=colour) if ground == 38 else pen._replace(background=colour)
