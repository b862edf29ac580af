"""What a benchmark is asked to time, and how far it is."""

from __future__ import annotations

from typing import Literal, TypeAlias

from nninspect.protocol.records import Record

Stage: TypeAlias = Literal["load", "copy", "move", "prepare", "first call", "warm-up", "rounds"]
"""What a configuration was doing when it failed."""


LEAST_ROUNDS = 6
"""Of a benchmark: with fewer no interval covers 95 %, so it does not end as steady before."""


class Key(Record, frozen=True, kw_only=False):
    """What tells one configuration of a run from the others."""

    device: str
    batch: int
    mode: str = "inference"


class BenchError(Record, frozen=True):
    """Why a row has no latency, or no more of it."""

    kind: str
    """ "OutOfMemory", "NotHere" (the mode or device can't run on this machine), "Died" (the process
    did, under it), "Failed"."""
    message: str
    stage: Stage
    hint: str = ""
    details: str = ""


class Lost(Record, frozen=True, kw_only=False):
    """A configuration that an earlier try of the same plan died in, so that it is left out."""

    key: Key
    error: BenchError


class BenchPlan(Record, frozen=True):
    """What to time: every device at every batch size in every mode, and for how long at most."""

    devices: tuple[str, ...] = ()
    """Empty: the CPU and the first accelerator."""
    batches: tuple[int, ...] = ()
    """Empty: that of the inputs."""
    modes: tuple[str, ...] = ()
    """Empty: inference; where there is no accelerator, thread counts against each other."""
    quick: bool = False
    """Six rounds in place of ten."""
    max_time_s: float = 30.0
    """Of the whole, from the built model on: warm-up, rounds and layers. One round is measured
    however long it takes."""
    crossover: bool = False
    """Without `batches`: double the batch until one device overtakes the other, and time the sizes
    around that."""
    largest_batch: bool = False
    """Find the largest batch that fits; on top of `max_time_s`."""
    memory_limit_bytes: int | None = None
    """What it is to fit into; None: what the device has. The CPU has no limit of its own."""
    seed: int = 0
    argv: tuple[str, ...] = ()
    """The command that asked, for the record; no part of the measurement."""
    lost: tuple[Lost, ...] = ()


class BenchProgress(Record, frozen=True):
    """How far a benchmark is, told between timed regions only."""

    key: Key
    """What is measured next."""
    place: int
    """Of the key in this round, or in the warm-up before the first; from 0."""
    places: int
    round: int = 0
    """Finished rounds."""
    rounds: int = 0
    """At most."""
    latest: Key | None = None
    """The configuration that `median_s` and its interval are of."""
    median_s: float | None = None
    ci_low_s: float | None = None
    ci_high_s: float | None = None
    seconds_left: float | None = None
