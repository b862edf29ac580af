"""Moves the protocol off stdin and stdout before user code can read or write it."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import sys
from typing import Any

from nninspect.protocol.streams import TO_STDERR, TO_STDOUT

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def take() -> tuple[int, int]:
    """Where requests come from and answers go to, from now on.

    stdin is then empty and stdout the same as stderr, in Python and below it, for this process
    and those it starts; a forked child loses the protocol.
    """
    requests, answers = os.dup(_STDIN), os.dup(_STDOUT)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, _STDIN)
    os.dup2(_STDERR, _STDOUT)

    def forget() -> None:
        os.dup2(nowhere, requests, inheritable=False)
        os.dup2(nowhere, answers, inheritable=False)

    os.register_at_fork(after_in_child=forget)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_MarkedStderr()),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    faulthandler.enable(_STDERR)
    return requests, answers


class _MarkedStderr(io.RawIOBase):
    """Each write stands between marks, so that the client can tell it from stdout."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _STDERR

    def write(self, data: Any, /) -> int:
        """All of it, whatever a signal interrupts."""
        unsent = memoryview(TO_STDERR.encode() + bytes(data) + TO_STDOUT.encode())
        while unsent:
            unsent = unsent[os.write(_STDERR, unsent) :]
        return len(data)


def flush() -> None:
    """Let out what was printed without an end of line."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # user code may have put anything there
            stream.flush()
