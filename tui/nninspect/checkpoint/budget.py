"""How much work a file may cause: a file that wants more is an attack, or nothing to look at."""

from __future__ import annotations

import time
from collections.abc import Callable

from nninspect.errors import BadCheckpoint

MAX_HEADER = 32 * 2**20
"""Bytes of a header, or of a pickle."""
MAX_TENSORS = 400_000
MAX_STEPS = 8_000_000
"""Opcodes of a pickle, and values looked at after it: 30 a tensor."""
MAX_DEPTH = 64
"""Of containers in containers."""
MAX_S = 30.0
"""Seconds for everything."""
MAX_TEXT = 200
"""Letters that are kept of a value that is only told of."""

_BETWEEN_LOOKS = 4096


class Budget:
    """What is left of steps and time."""

    def __init__(
        self,
        steps: int = MAX_STEPS,
        seconds: float = MAX_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = steps
        self._clock = clock
        self._deadline = clock() + seconds

    def step(self, count: int = 1) -> None:
        """So many more steps were made. Raises BadCheckpoint where that is too much."""
        before = self._left
        self._left -= count
        if self._left < 0:
            raise BadCheckpoint(
                "reading the file takes too many steps", "A file of weights needs no more than that"
            )
        if before // _BETWEEN_LOOKS != self._left // _BETWEEN_LOOKS:
            self.look_at_clock()

    def look_at_clock(self) -> None:
        """Raises BadCheckpoint where the time is up."""
        if self._clock() > self._deadline:
            raise BadCheckpoint(f"reading the file takes longer than {MAX_S:.0f} s")


def too_many_tensors() -> BadCheckpoint:
    return BadCheckpoint(f"there are more than {MAX_TENSORS:,} tensors in it")
