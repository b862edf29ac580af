"""Starts the worker process. Imports little: it may run before the UI's own imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from nninspect.protocol.flight import VARIABLE, FlightRecorder

_ROOMS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

COMMAND = (sys.executable, "-I", "-S", os.path.join(_ROOMS, "worker", "supervisor.py"))
"""The supervisor, by path: nothing of the worker's is imported on this side."""


class Process(subprocess.Popen[bytes]):
    """A supervisor's process, and what its worker notes of how far it is."""

    flight: FlightRecorder


def spawn(command: Sequence[str] = COMMAND) -> Process:
    """Start the supervisor, and through it the worker, away from the terminal and its signals.

    Raises OSError where no process can be made.
    """
    flight = FlightRecorder()
    try:
        process = _started(command, flight)
    except OSError:
        flight.close()
        raise
    process.flight = flight
    return process


def _started(command: Sequence[str], flight: FlightRecorder) -> Process:
    return Process(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(flight.descriptor,),
        env={**os.environ, VARIABLE: str(flight.descriptor)},
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
