"""What the worker prints, as text in bounded amounts."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nninspect.protocol.streams import BEGUN, MARK, without_marks

MAX_BYTES = 256 * 2**10
"""Bytes a window; what is printed beyond is dropped and counted."""

WINDOW_S = 1.0

LAST_LINES = 20
_LAST_BYTES = 8 * 2**10


class Piece(NamedTuple):
    """Text of one stream, or the count of the bytes that were dropped."""

    text: str
    is_stderr: bool = False
    dropped: int = 0


class Printed:
    """Bytes as they arrive to text that a log can keep up with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._window_end = 0.0
        self._room = MAX_BYTES
        self._dropped = 0
        self._last = b""
        self._held = ""
        """The beginning of what may become a mark."""
        self._is_stderr = False

    @property
    def is_dropping(self) -> bool:
        """Some was dropped, and no text yet says so."""
        return self._dropped > 0

    def feed(self, data: bytes) -> list[Piece]:
        """The text to show now."""
        self._last = (self._last + data)[-_LAST_BYTES:]
        pieces: list[Piece] = []
        if self._clock() >= self._window_end and self.is_dropping:
            pieces += self.flush()
        if self._clock() >= self._window_end:
            self._window_end, self._room = self._clock() + WINDOW_S, MAX_BYTES
        kept = data[: self._room]
        self._room -= len(kept)
        self._dropped += len(data) - len(kept)
        return [*pieces, *self._split(self._decoder.decode(kept))]

    def flush(self) -> list[Piece]:
        """What was held back: half a mark, half a character, and the count of what was dropped."""
        held, self._held = self._held, ""
        if not self._dropped:
            return [Piece(held, self._is_stderr)] if held else []
        cut = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        said = Piece(f"\n[… {self._dropped:,} bytes dropped]\n", dropped=self._dropped)
        found = [Piece(cut, self._is_stderr), said] if cut else [said]
        self._dropped, self._is_stderr = 0, False  # the mark that ends it may be among them
        return found

    def _split(self, text: str) -> Iterator[Piece]:
        """The text at its marks, without them."""
        text = self._held + text
        begun = BEGUN.search(text)
        self._held = begun.group() if begun else ""
        parts = MARK.split(text.removesuffix(self._held) if self._held else text)
        for place, part in enumerate(parts):
            if place % 2:
                self._is_stderr = part == "2"
            elif part:
                yield Piece(part, self._is_stderr)

    def last_lines(self) -> str:
        """The last lines that were printed, dropped or not."""
        text = without_marks(self._last.decode("utf-8", "replace"))
        return "\n".join(text.splitlines()[-LAST_LINES:])
