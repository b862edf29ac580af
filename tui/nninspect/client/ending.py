"""How a worker process ended, told so that the user knows what to do."""

from __future__ import annotations

import signal

import msgspec

from nninspect.errors import Cancelled, WorkerDied, WorkerMissing
from nninspect.protocol.flight import LOST_DEVICE, Death, Position
from nninspect.protocol.records import Problem
from nninspect.text import units

_HINTS = {
    "SIGKILL": "A smaller --batch needs less memory; --device meta needs none.",
    "device-side assert": "An index out of range, most often: --device cpu says which.",
    "illegal memory access": "A kernel left its tensors: --device cpu says whether the model does.",
}
"""What to do about the deaths that have a likely cause."""


def died(code: int, last_lines: str) -> Problem:
    """A worker that worked ended with that `returncode`."""
    error = WorkerDied(
        f"the worker {_how(code, last_lines)}",
        "Restart the worker to go on; the Log has its last lines.",
        details=last_lines,
    )
    return Problem.of(error)


def died_in_forward(problem: Problem) -> Problem:
    """The same death, as it is said of the call that it happened in."""
    hint = next((hint for word, hint in _HINTS.items() if word in problem.message), "")
    return msgspec.structs.replace(
        problem,
        message=f"the process {problem.message.removeprefix('the worker ')}",
        hint=hint,
    )


def cancelled(at: Position) -> Problem:
    """A forward was stopped where it was."""
    error = Cancelled(
        f"cancelled: the forward did not return within {units.seconds(at.seconds)}",
        "If it is slow and not stuck, a smaller --batch or a later cancel shows more.",
    )
    return Problem.of(error)


def death(at: Position, problem: Problem) -> Death:
    """What the next worker is told."""
    return Death(
        stage=at.stage,
        trial=at.trial,
        step=at.step,
        rung=at.rung,
        kind=problem.kind,
        message=problem.message,
        hint=problem.hint,
        details=problem.details,
    )


def never_started(code: int, last_lines: str) -> Problem:
    """A process ended with that `returncode` before it said that it is a worker."""
    last = last_lines.rpartition("\n")[2]
    error = WorkerMissing(
        f"the worker could not be started: {last or 'it ' + _how(code, last_lines)}",
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


def _how(code: int, last_lines: str) -> str:
    if code == LOST_DEVICE and last_lines:
        return f"had to end: {last_lines.rpartition(chr(10))[2]}"
    if code >= 0:
        return f"exited with code {code} (something called os._exit or sys.exit)"
    try:
        number = signal.Signals(-code)
    except ValueError:
        return f"was killed by signal {-code}"
    if number is signal.SIGKILL:
        return "was killed by SIGKILL: most often out of memory"
    return f"was killed by {number.name} ({(signal.strsignal(number) or '').lower()})"
