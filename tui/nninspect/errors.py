"""The errors that a user sees, each with what failed and what to do next.

NninspectError
├── UsageError            what was typed can't be used
│   ├── BadTarget           the target names nothing that can be opened
│   ├── BadSetting          a `--set` that the factory doesn't take
│   ├── BadInput            an input, batch, dtype or device that can't be used
│   └── BadCheckpoint       a file of weights that can't be read, or should not be
├── ModelError            the user's own code raised
│   ├── ImportFailed        while it was imported
│   ├── BuildFailed         while the model was built
│   └── ForwardFailed       while a forward ran
├── DeviceError           the model can't be moved to, or run on, a device
├── WorkerError           the torch process
│   ├── WorkerDied          ended by itself, or was killed
│   ├── WorkerMissing       could not start, or has no torch
│   └── ProtocolError       said something that is not the protocol
└── Cancelled             the user stopped it
"""

from __future__ import annotations


class NninspectError(Exception):
    """Something the user should read: what failed, where, and what to do next."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        where: str = "",
        details: str = "",
        choices: tuple[str, ...] = (),
    ) -> None:
        """
        message: what failed, a sentence. hint: what to do next, or "".
        where: the module path or source line it belongs to. details: a traceback,
        shown only when asked for. choices: targets that would have worked.
        """
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.details = details
        self.choices = choices


class UsageError(NninspectError):
    """What was typed can't be used."""


class BadTarget(UsageError):
    """The target names nothing that can be opened."""


class BadSetting(UsageError):
    """A `--set` that the factory doesn't take."""


class BadInput(UsageError):
    """An input, batch, dtype or device that can't be used."""


class BadCheckpoint(UsageError):
    """A file of weights that can't be read, or is made so that it should not be."""


class ModelError(NninspectError):
    """The user's own code raised."""


class ImportFailed(ModelError):
    """The user's code raised while it was imported."""


class BuildFailed(ModelError):
    """The user's code raised while the model was built."""


class ForwardFailed(ModelError):
    """The user's code raised while a forward ran."""


class DeviceError(NninspectError):
    """The model can't be moved to, or run on, a device."""


class WorkerError(NninspectError):
    """The torch process failed."""


class WorkerDied(WorkerError):
    """The torch process ended by itself, or was killed."""


class WorkerMissing(WorkerError):
    """The torch process could not start, or has no torch."""


class ProtocolError(WorkerError):
    """The torch process said something that is not the protocol."""


class Cancelled(NninspectError):
    """The user stopped it."""


class Interrupted(BaseException):
    """Raised in the worker's main thread, wherever it is, when its request is cancelled.

    Not an Exception, so that `except Exception` in user code lets it pass; nobody sees it. It and
    what derives from it are ours: every other exception that comes out of user code is its own.
    """


def by_name(name: str) -> type[NninspectError]:
    """The error class of that name; the root class when there is none."""
    return _BY_NAME.get(name, NninspectError)


def _tree(root: type[NninspectError]) -> dict[str, type[NninspectError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


_BY_NAME = _tree(NninspectError)
