"""How a worker process ended, told so that the user knows what to do."""

from __future__ import annotations

import signal

from nninspect.errors import WorkerDied, WorkerMissing
from nninspect.protocol.records import Problem


def died(code: int, last_lines: str) -> Problem:
    """A worker that worked ended with that `returncode`."""
    error = WorkerDied(
        f"the worker {_how(code)}",
        "Restart the worker to go on; the Log has its last lines.",
        details=last_lines,
    )
    return Problem.of(error)


def never_started(code: int, last_lines: str) -> Problem:
    """A process ended with that `returncode` before it said that it is a worker."""
    last = last_lines.rpartition("\n")[2]
    error = WorkerMissing(
        f"the worker could not be started: {last or 'it ' + _how(code)}",
        "Check that nninspect is installed where the worker runs.",
        details=last_lines,
    )
    return Problem.of(error)


def not_spawned(error: OSError) -> Problem:
    """The process could not be made at all."""
    missing = WorkerMissing(
        f"the worker could not be started: {error.strerror or error}",
        "Check that this Python can start other programs.",
    )
    return Problem.of(missing)


def _how(code: int) -> str:
    if code >= 0:
        return f"exited with code {code} (something called os._exit or sys.exit)"
    try:
        number = signal.Signals(-code)
    except ValueError:
        return f"was killed by signal {-code}"
    if number is signal.SIGKILL:
        return "was killed by SIGKILL: most often out of memory"
    return f"was killed by {number.name} ({(signal.strsignal(number) or '').lower()})"
