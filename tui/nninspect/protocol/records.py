"""The facts that both processes share: what is looked at, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nninspect import errors
from nninspect.protocol.dry_run import DryRun
from nninspect.protocol.layers import LayerColumns
from nninspect.protocol.memory import Memory


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every record: immutable, and strict about what it decodes."""


class InputSpec(Record, frozen=True, kw_only=False):
    """One tensor to make for `forward`.

    `shape` has the batch dimension in it, at `batch_dim`. `low` and `high` bound the
    values: floats are normal where both are None, else uniform in [low, high); integers
    are uniform in [low, high), in [0, 2) where both are None.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    """The keyword `forward` takes it by; "" passes it by position."""
    low: float | None = None
    high: float | None = None
    batch_dim: int = 0

    def with_batch(self, batch: int) -> InputSpec:
        """The same input at another batch size; one without dimensions stays as it is."""
        if not self.shape:
            return self
        shape = list(self.shape)
        shape[self.batch_dim] = batch
        return msgspec.structs.replace(self, shape=tuple(shape))


def batch_of(inputs: Sequence[InputSpec]) -> int | None:
    """The batch size that inputs have; None without inputs or without dimensions."""
    return next((spec.shape[spec.batch_dim] for spec in inputs if spec.shape), None)


class Setting(Record, frozen=True, kw_only=False):
    """One `--set name=text`: an argument of the factory; the text is read as a Python literal."""

    name: str
    text: str


class Setup(Record, frozen=True):
    """What is looked at, and how: everything that makes one picture of a model.

    Where a field is None the worker chooses, and the `Inspection` says what it chose.
    """

    target: str
    settings: tuple[Setting, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    batch: int | None = None
    device: str = "cpu"
    dtype: str | None = None
    training: bool = False


class Device(Record, frozen=True):
    """One device that the worker can use. `memory` is its total in bytes, 0 where unknown."""

    name: str
    title: str = ""
    memory: int = 0


class Environment(Record, frozen=True):
    """Where the worker runs and what it has."""

    host: str
    python: str
    torch: str
    pid: int
    devices: tuple[Device, ...]
    no_accelerator: str = ""
    """Why there is nothing but the CPU, a sentence; "" where there is an accelerator."""
    threads: int = 0


class Problem(Record, frozen=True):
    """An error as it crosses the pipe: see `nninspect.errors`."""

    kind: str
    message: str
    hint: str = ""
    where: str = ""
    details: str = ""
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: errors.NninspectError) -> Problem:
        return cls(
            kind=type(error).__name__,
            message=error.message,
            hint=error.hint,
            where=error.where,
            details=error.details,
            choices=error.choices,
        )

    def error(self) -> errors.NninspectError:
        """The exception it was made from."""
        return errors.by_name(self.kind)(
            self.message,
            self.hint,
            where=self.where,
            details=self.details,
            choices=self.choices,
        )


class Totals(Record, frozen=True):
    """The whole model in figures. Sizes are bytes; a tied weight counts once."""

    modules: int
    parameters: int
    trainable: int
    buffers: int
    parameter_bytes: int
    buffer_bytes: int
    mult_adds: int | None = None
    """Of one forward of the inputs; None where nothing could count them, or it failed."""


class Inspection(Record, frozen=True):
    """One model, looked at once: its layers and what one forward did to its inputs."""

    setup: Setup
    """As it was asked for, so that asking again gives a fresh look at the same."""
    title: str
    """The class name of the model."""
    inputs_from: str
    """Where the inputs came from, for people: "given", "the model card", "guessed from …"."""
    layers: LayerColumns
    totals: Totals
    inputs: tuple[InputSpec, ...] = ()
    """What the forward was called with."""
    uncounted: tuple[str, ...] = ()
    """Ops whose mult-adds are not in any figure, with how often each was called: "fft ×2"."""
    left_out: int = 0
    """Ops beyond those that are kept; they are in no figure either."""
    torchinfo: str = ""
    """Why torchinfo's figures are missing; "" when it ran."""
    failure: Problem | None = None
    """The forward failed; `where` is the module path of the innermost failing call."""
    memory: Memory | None = None
    """What it needs at the batch of the inputs; None where the forward failed."""
    dry_run: DryRun | None = None
    """How the forward ran where not with real values; None for a real one that was asked for."""
    dtype: str = ""
    """The model's: one name, "mixed", or "" where it has no tensors."""
    build_s: float = 0.0
    forward_s: float = 0.0
    files: tuple[str, ...] = ()
    """The user's files that it was built from, as absolute paths."""

    @property
    def batch(self) -> int | None:
        """The batch size of the inputs."""
        return batch_of(self.inputs)
