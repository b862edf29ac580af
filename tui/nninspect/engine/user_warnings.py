"""Warnings told at the user's line.

torch tells a warning by the frame that called it, and while a forward is recorded that frame is
ours. What a recorded forward and a plain one both warn of is told once.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import TextIO

from nninspect.engine.blame import is_ours, is_users


def tell_at_users_lines() -> None:
    """From now on, in this process."""
    told: dict[tuple[str, str, int], bool] = {}
    show_as_python_does = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        is_moved = is_ours(filename)
        if is_moved:
            filename, lineno = _users_line() or (filename, lineno)
        key = str(message), filename, lineno
        if told.pop(key, is_moved) == is_moved:
            told[key] = is_moved
            show_as_python_does(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def _users_line() -> tuple[str, int] | None:
    """The innermost on the stack."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None
