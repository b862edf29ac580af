"""What the worker prints, as text in bounded amounts."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable

MAX_BYTES = 256 * 2**10
"""Bytes a window; what is printed beyond is dropped and counted."""

WINDOW_S = 1.0

LAST_LINES = 20
_LAST_BYTES = 8 * 2**10


class Printed:
    """Bytes as they arrive to text that a log can keep up with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._window_end = 0.0
        self._room = MAX_BYTES
        self._dropped = 0
        self._last = b""

    @property
    def is_dropping(self) -> bool:
        """Some was dropped, and no text yet says so."""
        return self._dropped > 0

    def feed(self, data: bytes) -> str:
        """The text to show now."""
        self._last = (self._last + data)[-_LAST_BYTES:]
        text = ""
        if self._clock() >= self._window_end:
            text = self.flush()
            self._window_end, self._room = self._clock() + WINDOW_S, MAX_BYTES
        kept = data[: self._room]
        self._room -= len(kept)
        self._dropped += len(data) - len(kept)
        return text + self._decoder.decode(kept)

    def flush(self) -> str:
        """What was held back: half a character, and the count of what was dropped."""
        if not self._dropped:
            return ""
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        text += f"\n[… {self._dropped:,} bytes dropped]\n"
        self._dropped = 0
        return text

    def last_lines(self) -> str:
        """The last lines that were printed, dropped or not."""
        text = self._last.decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-LAST_LINES:])
