"""The facts that both processes share: what is looked at, what was found, what was timed."""

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


class BenchPlan(Record, frozen=True):
    """What to time: every device at every batch size, in turn."""

    devices: tuple[str, ...]
    batches: tuple[int, ...]
    seconds: float = 2.0
    """Timed seconds a device and batch."""
    min_iterations: int = 10
    warmup_seconds: float = 0.3
    min_warmup: int = 3


UNSTABLE_IQR_RATIO = 0.10
"""A spread above a tenth of the p50 is too wide for two p50s to be compared."""


class Timings(Record, frozen=True, kw_only=False):
    """Timed iterations of one forward, warmup excluded: one entry an iteration, in seconds."""

    seconds: tuple[float, ...]

    @property
    def p50(self) -> float:
        return quantile(self.seconds, 0.50)

    @property
    def p95(self) -> float:
        return quantile(self.seconds, 0.95)

    @property
    def iqr(self) -> float:
        return quantile(self.seconds, 0.75) - quantile(self.seconds, 0.25)

    @property
    def is_unstable(self) -> bool:
        """The spread is too wide for two p50s to be compared."""
        return self.iqr > UNSTABLE_IQR_RATIO * self.p50


def quantile(values: Sequence[float], fraction: float) -> float:
    """The value at that fraction of the ordered values, interpolated between its neighbours.

    The "linear" definition (Hyndman and Fan, type 7), as numpy and torch use it.
    """
    if not values:
        raise ValueError("a quantile needs at least one value")
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class BenchRow(Record, frozen=True):
    """One device at one batch size: its timings, or why there are none."""

    device: str
    batch: int
    timings: Timings | None = None
    first_call_s: float = 0.0
    warmup: int = 0
    """Untimed iterations before the timed ones."""
    peak_memory: int | None = None
    """Peak allocated bytes on the device; None where the device does not tell."""
    failure: Problem | None = None

    @property
    def throughput(self) -> float | None:
        """Samples a second at p50."""
        return None if self.timings is None else self.batch / self.timings.p50


class BenchResult(Record, frozen=True):
    """Every row that was timed, and what could not be."""

    setup: Setup
    """As it was asked for."""
    rows: tuple[BenchRow, ...]
    missing: str = ""
    """Which device is missing from the comparison and why; "" when none is."""
    dtype: str = ""
    """The model's, as in `Inspection`."""
    threads: int = 0

    def speedup(self, row: BenchRow) -> float | None:
        """CPU p50 / this row's p50 at the same batch; None for a CPU row or without a pair."""
        if row.timings is None or row.device == "cpu":
            return None
        for other in self.rows:
            if other.device == "cpu" and other.batch == row.batch and other.timings is not None:
                return other.timings.p50 / row.timings.p50
        return None
