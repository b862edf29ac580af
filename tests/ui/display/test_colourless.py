"""Without colours: what is kept of a style, and what goes."""

from __future__ import annotations

import pytest

from nninspect.ui.display.colourless import without_colours


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("\x1b[1;38;2;10;20;30;48;2;0;0;0mx\x1b[0m", "\x1b[1mx\x1b[0m"),
        ("\x1b[38;5;4;7mx", "\x1b[7mx"),
        ("\x1b[34;104;4mx", "\x1b[4mx"),
        ("\x1b[39;49mx\x1b[m", "x\x1b[m"),
        ("\x1b[22;24mx\x1b[3;4Hy", "\x1b[22;24mx\x1b[3;4Hy"),
    ],
)
def test_weight_and_reverse_are_kept_and_every_colour_goes(written: str, sent: str) -> None:
    assert without_colours(written) == sent
