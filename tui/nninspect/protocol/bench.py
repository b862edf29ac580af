"""The versioned result of a benchmark: a row a configuration, and what it can be compared with."""

from __future__ import annotations

from typing import Literal, TypeAlias

from nninspect.protocol.bench_figures import (
    Accelerator,
    Cold,
    Latency,
    LayerTimes,
    MemoryUse,
    Throughput,
    Train,
    Work,
)
from nninspect.protocol.bench_plan import BenchError, Key
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import InputSpec, Record, Setup
from nninspect.protocol.roofline import Limits
from nninspect.protocol.sweep import Crossover, LargestBatch

SCHEMA = 1
"""Rises when a field of the result changes its meaning, or goes."""

Verdict: TypeAlias = Literal["trusted", "noisy", "untrusted"]


class Run(Record, frozen=True):
    """Which run it was."""

    id: str
    time_utc: str
    """When it began, ISO 8601."""
    torch: str
    python: str
    seed: int
    argv: tuple[str, ...] = ()
    schema: int = SCHEMA


class Config(Record, frozen=True):
    """One configuration, complete enough to be measured again."""

    target: str
    params: int
    inputs: tuple[InputSpec, ...]
    """With their shapes at this batch."""
    batch: int
    dtype: str
    device: str
    mode: str
    threads: int
    autocast: str | None = None
    """The dtype of autocast; None without it."""
    layout: str = "contiguous"
    engine: str = "eager"
    """What ran it: "eager", "inductor", "cudagraph" …"""

    @property
    def key(self) -> Key:
        return Key(self.device, self.batch, self.mode)


class Agreement(Record, frozen=True):
    """Whether this row computes what `against` does."""

    against: Key
    max_error: float | None
    """The largest absolute error over the largest absolute value of the reference; None where it
    has no bound."""
    cosine_distance: float
    argmax_agreement: float | None
    """The share of samples whose largest output is in the same place; None where it has none."""
    limit: float
    """Of `max_error`, by dtype."""
    agrees: bool


class Compare(Record, frozen=True):
    """The speed-up over `against`: the paired ratio of the round medians."""

    against: Key
    ratio: float | None = None
    """Above 1 this row is faster; None where `withheld` says why there is none."""
    ci_low: float | None = None
    ci_high: float | None = None
    n_pairs: int = 0
    withheld: str = ""
    """Why there is no ratio; "" where there is one."""
    untrusted: bool = False
    """One of the two rows is, so that neither wins."""

    @property
    def winner(self) -> Literal["this", "against", ""]:
        """Which is faster; "" where the interval has 1 in it, or can't be relied on."""
        if self.ci_low is None or self.ci_high is None or self.withheld or self.untrusted:
            return ""
        if self.ci_low > 1:
            return "this"
        return "against" if self.ci_high < 1 else ""


class Quality(Record, frozen=True):
    """How far a row can be believed, and why not farther."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    discarded_slots: int = 0


class BenchRow(Record, frozen=True):
    """One configuration: its figures with their quality, or its error."""

    config: Config
    cold: Cold | None = None
    latency: Latency | None = None
    accelerator: Accelerator | None = None
    train: Train | None = None
    throughput: Throughput | None = None
    memory: MemoryUse | None = None
    work: Work | None = None
    layers: LayerTimes | None = None
    agreement: Agreement | None = None
    compare: Compare | None = None
    compare_with_transfers: Compare | None = None
    """The same with an accelerator's inputs sent and its outputs fetched in every call."""
    quality: Quality | None = None
    error: BenchError | None = None
    labels: tuple[str, ...] = ()
    """What to know of how it ran: a fallback, a missing instruction set. A sentence each."""

    @property
    def key(self) -> Key:
        return self.config.key


class Spent(Record, frozen=True):
    """Where the seconds of a whole benchmark went."""

    load_s: float
    """The model, from its file to its inputs."""
    prepare_s: float = 0.0
    """Copies, first calls and warm-ups."""
    rounds_s: float = 0.0
    after_s: float = 0.0
    """Layers, the device's limits, the largest batch."""


class BenchResult(Record, frozen=True):
    """Every configuration of a plan, in the plan's order."""

    setup: Setup
    """As it was asked for."""
    run: Run
    machine: Machine
    rows: tuple[BenchRow, ...]
    missing: str = ""
    """What the comparison lacks and why, a sentence; "" where nothing."""
    stopped: str = ""
    """Why it ended: "all rounds", "steady" (narrow intervals), "time limit", "cancelled", or "died"
    (the process did)."""
    cut_short: str = ""
    """What it was doing when the process died, or did not heed a cancel; a sentence."""
    crossovers: tuple[Crossover, ...] = ()
    largest: tuple[LargestBatch, ...] = ()
    limits: tuple[Limits, ...] = ()
    """Of the devices, where they were measured."""
    spent: Spent | None = None

    def row(self, key: Key) -> BenchRow | None:
        """The row of a configuration."""
        return next((row for row in self.rows if row.key == key), None)
