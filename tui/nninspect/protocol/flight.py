"""The flight recorder: how far a look is, in memory that outlives the process that takes it.

The client makes it, the worker inherits it and writes a few numbers as it goes. A process that is
killed says nothing more, but what it wrote is there to be read; and unlike a message for every
step, a number written in place costs a tenth of a microsecond.
"""

from __future__ import annotations

import enum
import os
import struct
import time
from collections.abc import MutableSequence
from typing import TypeAlias

import msgspec

from nninspect.protocol.dry_run import Rung

VARIABLE = "NNINSPECT_FLIGHT"
"""Where the worker finds the number of the descriptor that it inherits."""

Numbers: TypeAlias = "MutableSequence[int] | memoryview[int]"
"""The numbers, as they are written."""

_NUMBERS = struct.Struct("=5q")

LOST_DEVICE = 75
"""The exit code of a process that ended itself, as it could use its accelerator no more; the
last line that it printed says why."""

STAGE, TRIAL, STEP, SINCE, RUNG = range(5)
"""What each number is: `Stage`, which try of an input, the last step, nanoseconds of the clock, and
the place of the dry run's rung among all."""

_RUNGS = tuple(Rung)


class Stage(enum.IntEnum):
    """Which of its forwards a look is in."""

    NONE = 0
    TRIAL = 1
    """An input is tried."""
    FORWARD = 2
    """The one that is recorded."""
    TORCHINFO = 3
    MEMORY = 4


class Position(msgspec.Struct, frozen=True):
    """How far a look was: the steps of a forward, each call's begin and end, count from 1."""

    stage: Stage
    trial: int
    step: int
    seconds: float
    """Since this stage began."""
    rung: Rung
    """Of the ladder of dry runs; a plain look is on the last."""


class Death(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an earlier look at the same ended without an answer, and how, for people."""

    stage: Stage
    trial: int = 0
    step: int = 0
    rung: Rung = Rung.REAL
    kind: str
    """The error's, see `nninspect.errors`."""
    message: str
    """As "the process was killed by SIGSEGV"; what is said of the place comes after it."""
    hint: str = ""
    details: str = ""


class FlightRecorder:
    """The client's end: it makes the memory, and reads it whatever has become of the worker."""

    def __init__(self) -> None:
        """Raises OSError where there can be no such memory."""
        self.descriptor = _nameless_file()
        os.truncate(self.descriptor, _NUMBERS.size)

    def position(self) -> Position | None:
        """None outside of a forward."""
        if self.descriptor < 0:
            return None
        numbers = _NUMBERS.unpack(os.pread(self.descriptor, _NUMBERS.size, 0))
        stage, trial, step, since, rung = numbers
        if stage not in frozenset(Stage) - {Stage.NONE}:
            return None
        seconds = (time.monotonic_ns() - since) / 1e9
        return Position(Stage(stage), trial, step, seconds, _RUNGS[rung])

    def close(self) -> None:
        """Safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def unread() -> Numbers:
    """Numbers that nobody reads."""
    return [0] * 5


def number_of(rung: Rung) -> int:
    """What stands for it."""
    return _RUNGS.index(rung)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("nninspect-flight")
    import tempfile  # only where there is nothing better: it costs the start-up milliseconds

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def inherited() -> Numbers:
    """The worker's end: the numbers, written where the client reads them; a plain list where
    there is no client to read them. To be asked for once."""
    number = os.environ.pop(VARIABLE, "")
    if not number.isdecimal():
        return unread()
    import mmap

    descriptor = int(number)
    try:
        shared = mmap.mmap(descriptor, _NUMBERS.size)
    except (OSError, ValueError):  # the variable is somebody else's
        return unread()
    os.close(descriptor)  # what the user's code starts inherits none of it
    return memoryview(shared).cast("q")
