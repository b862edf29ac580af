"""The stylesheet's colours, in every theme that Textual brings."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

LEAST_CONTRAST = 3.0
"""What WCAG 2.1 asks of large text and signs; Textual's own text colours keep it."""

SHEET = files("nninspect.ui").joinpath("nninspect.tcss").read_text()
TEXT = set(re.findall(r"span--[\w-]+ \{[^}]*color: \$([\w-]+);", SHEET))


def luminance(color: Color) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = (each / 255 for each in color.rgb)
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", [each for each in BUILTIN_THEMES if "ansi" not in each])
def test_every_colour_of_text_stands_out_from_the_background(name: str) -> None:
    colors = BUILTIN_THEMES[name].to_color_system().generate()
    background = Color.parse(colors["background"])
    faint = {
        each for each in TEXT if contrast(Color.parse(colors[each]), background) < LEAST_CONTRAST
    }
    assert len(TEXT) >= 6
    assert not faint
