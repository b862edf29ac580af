"""What is written to the terminal, made shorter; as it is, where anything about it is unusual."""

from __future__ import annotations

import re
from collections.abc import Callable

from nninspect.ui.display.cells import Frame, Row, Surprise, read_frame, unknown
from nninspect.ui.display.diff import changes
from nninspect.ui.display.readback import read_changes

CHECKED_FRAMES = 30
CHECKED_LATER = 50
"""The first frames are checked, and then each one of so many."""

WIDEST = 10_000
"""Cells of a row, for as long as the terminal's width is not known."""

_DRAWS_NOTHING = re.compile(
    r"(?:\x1b\[\?(?!1049|1047|47|3h|3l)[0-9;]*[hl]"  # modes, but for another screen
    r"|\x1b\[[<>=?][0-9;]*u"  # keyboard protocols
    r"|\x1b\[\?[0-9;]*\$p"  # what the terminal can do
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, pointers, the clipboard
    r"|\x1bPtmux;(?:[^\x1b]|\x1b\x1b)*\x1b\\"  # the same, through tmux
    r"|\x07)*"
)


class FrameFilter:
    """It remembers what the terminal shows, and turns each write into a shorter one.

    What is no frame passes as it is. Should a check of our own fail, everything does from then
    on, and `gave_up` is told why.
    """

    def __init__(self, gave_up: Callable[[str], object]) -> None:
        self._gave_up = gave_up
        self._is_on = True
        self._shown: dict[int, Row] = {}
        self._width = WIDEST
        self._frames = 0

    def forget(self, width: int) -> None:
        """The terminal may show anything, as after a resize: draw all of the next frame."""
        self._shown, self._width = {}, width

    def filter(self, data: str) -> str:
        """What to write instead of the data, to the same effect."""
        if not self._is_on or _DRAWS_NOTHING.fullmatch(data):
            return data
        try:
            frame = read_frame(self._shown, data, self._width)
            shorter = changes(self._shown, frame)
            self._check(frame, shorter)
        except Surprise:
            self._shown = {y: unknown(row) for y, row in self._shown.items()}
            return data
        except Exception as error:  # a mistake of ours must not cost anyone the screen
            self._is_on = False
            self._gave_up(f"{type(error).__name__}: {error}")
            return data
        self._shown |= frame.rows
        return shorter

    def _check(self, frame: Frame, shorter: str) -> None:
        """Whether a terminal would show the same, by reading what is about to be written."""
        self._frames += 1
        if self._frames > CHECKED_FRAMES and self._frames % CHECKED_LATER:
            return
        read = read_changes(self._shown, shorter)
        wrong = [y for y, row in (self._shown | frame.rows).items() if read.get(y) != row]
        if wrong:
            raise AssertionError(f"row {wrong[0]} of frame {self._frames} would differ")
