"""The lines of the log: bounded, told apart by who wrote them, with nothing left in them that a
terminal would act on."""

from __future__ import annotations

from collections import Counter, deque
from typing import Literal, NamedTuple, TypeAlias

from nninspect.text.plain import plain, without_escapes

MOST_LINES = 5_000
MOST_CHARS = 2_000
"""A longer line is cut; it could not be read anyway."""

Source: TypeAlias = Literal["stdout", "stderr", "worker", "traceback"]
SOURCES: tuple[Source, ...] = ("stdout", "stderr", "worker", "traceback")
"""Who wrote a line: user code, to either stream; what happened to the worker; an exception."""
TRACEBACK = "Traceback (most recent call last)"


class Entry(NamedTuple):
    """One line."""

    source: Source
    text: str


class LogBook:
    """What was printed and what happened, as lines; a carriage return starts its line again."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.first = 0
        """The number of the oldest line that is kept, which is how many were let go."""
        self.dropped_bytes = 0
        """What was printed too fast to be taken at all."""
        self.counts: Counter[Source] = Counter()
        """Of the lines that are kept."""
        self._open = ""
        self._source: Source = "stdout"
        self._is_traceback = False

    @property
    def end(self) -> int:
        """One past the number of the newest line."""
        return self.first + len(self.entries)

    @property
    def lines(self) -> list[str]:
        """The text of every line that is kept."""
        return [entry.text for entry in self.entries]

    def __getitem__(self, number: int) -> Entry:
        return self.entries[number - self.first]

    @property
    def unfinished(self) -> Entry | None:
        """The line that is being printed, as a progress bar, in its latest state."""
        text = _clean(self._open)
        return Entry(self._source, text) if text else None

    def write(self, text: str, source: Source = "stdout", dropped: int = 0) -> None:
        """Take a piece of output, and how many bytes before it were dropped."""
        if source != self._source or dropped:
            self.flush()
        self._source = source
        self.dropped_bytes += dropped
        *whole, last = (self._open + text).replace("\r\n", "\n").split("\n")
        self._open = last[-2 * MOST_CHARS :]
        self._add(whole)

    def note(self, text: str) -> None:
        """Take lines of our own, after whatever was printed without a line's end."""
        self.flush()
        self._source = "worker"
        self._add(text.splitlines())

    def flush(self) -> None:
        """End the line that is being printed, if there is one."""
        whole, self._open = [self._open] if self._open else [], ""
        self._add(whole)

    def _add(self, lines: list[str]) -> None:
        """Only those that will be kept are looked at: a flood costs no more than a page."""
        skipped = max(0, len(lines) - MOST_LINES)
        for line in lines[skipped:]:
            entry = self._entry(line)
            self.entries.append(entry)
            self.counts[entry.source] += 1
        self._let_go(skipped)

    def _let_go(self, skipped: int) -> None:
        while len(self.entries) > MOST_LINES:
            self.counts[self.entries.popleft().source] -= 1
            self.first += 1
        self.first += skipped

    def _entry(self, line: str) -> Entry:
        """A traceback ends with the first line that is not set in: the exception itself."""
        text = _clean(line)
        if TRACEBACK in text:
            self._is_traceback = True
        elif self._is_traceback and text and not text.startswith(" "):
            self._is_traceback = False
            return Entry("traceback", text)
        return Entry("traceback" if self._is_traceback else self._source, text)


def _clean(line: str) -> str:
    line = without_escapes(line).rstrip("\r").rpartition("\r")[2].expandtabs()
    line = plain(line)
    return line if len(line) <= MOST_CHARS else line[:MOST_CHARS] + "…"
