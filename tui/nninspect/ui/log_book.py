"""The lines of the log: bounded, and with nothing left in them that a terminal would act on."""

from __future__ import annotations

from collections import deque

from nninspect.text.plain import plain, without_escapes

MOST_LINES = 5_000
MOST_CHARS = 2_000
"""A longer line is cut; it could not be read anyway."""


class LogBook:
    """What was printed and what happened, as lines; a carriage return starts its line again."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self._open = ""

    def write(self, text: str) -> list[str]:
        """Take a piece of output; returns the lines that it completed."""
        *whole, self._open = (self._open + text).replace("\r\n", "\n").split("\n")
        self._open = self._open[-2 * MOST_CHARS :]
        return self._add(whole)

    def note(self, text: str) -> list[str]:
        """Take lines of our own, after whatever was printed without a line's end."""
        return self.flush() + self._add(text.splitlines())

    def flush(self) -> list[str]:
        """End the line that is being printed, if there is one."""
        whole, self._open = [self._open] if self._open else [], ""
        return self._add(whole)

    def _add(self, lines: list[str]) -> list[str]:
        added = [_clean(line) for line in lines]
        self.lines.extend(added)
        return added


def _clean(line: str) -> str:
    line = without_escapes(line).rstrip("\r").rpartition("\r")[2].expandtabs()
    line = plain(line)
    return line if len(line) <= MOST_CHARS else line[:MOST_CHARS] + "…"
