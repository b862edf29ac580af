"""Starts the worker process. Imports little: it may run before the UI's own imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

_ROOMS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

COMMAND = (sys.executable, "-I", "-S", os.path.join(_ROOMS, "worker", "supervisor.py"))
"""The supervisor, by path: nothing of the worker's is imported on this side."""

Process = subprocess.Popen[bytes]


def spawn(command: Sequence[str] = COMMAND) -> Process:
    """Start the supervisor, and through it the worker, away from the terminal and its signals."""
    return subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def kill_session(leader: int) -> None:
    """Kill what is left of the session that `spawn` made, should its supervisor have been killed.

    Only where there is a /proc.
    """
    for name in filter(str.isdecimal, os.listdir("/proc") if sys.platform == "linux" else ()):
        try:
            with open(f"/proc/{name}/stat", errors="replace") as stat:
                session = stat.read().rpartition(")")[2].split()[3]
            if session == str(leader):
                os.kill(int(name), signal.SIGKILL)
        except OSError:
            continue
