"""The exit codes, and which error ends with which."""

from __future__ import annotations

from nninspect import errors

OK = 0
MODEL_FAILED = 1
FOUND = 1
DIFFERENT = 1
USAGE = 2
WORKER_FAILED = 3
DEVICE_FAILED = 4
INTERRUPTED = 130

MEANINGS = {
    OK: "it worked",
    MODEL_FAILED: "the model's own code failed, on import, build or forward; check or bench found"
    " what --fail-on names, diff a difference; a file of weights does not fit --model",
    USAGE: "the target, an argument or an input can't be used",
    WORKER_FAILED: "the torch process died or could not start",
    DEVICE_FAILED: "the model can't be moved to, or run on, the device",
    INTERRUPTED: "interrupted",
}

_BY_KIND: tuple[tuple[type[errors.NninspectError], int], ...] = (
    (errors.UsageError, USAGE),
    (errors.ModelError, MODEL_FAILED),
    (errors.DeviceError, DEVICE_FAILED),
    (errors.Cancelled, INTERRUPTED),
)


def exit_code_of(error: errors.NninspectError) -> int:
    """The code that a command ends with after this error."""
    return next((code for kind, code in _BY_KIND if isinstance(error, kind)), WORKER_FAILED)
