"""The benchmark's records: the plan, how far it is, and the versioned result with its raw rounds.

Units are SI: seconds, bytes, hertz, watts. A field is None where the device or the machine does
not tell, never 0.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from nninspect.protocol.records import InputSpec, Record, Setup
from nninspect.protocol.roofline import Bound, Limits
from nninspect.protocol.sweep import Crossover, LargestBatch

SCHEMA = 1
"""Rises when a field of the result changes its meaning, or goes."""

Verdict: TypeAlias = Literal["trusted", "noisy", "untrusted"]
Stage: TypeAlias = Literal["load", "copy", "move", "prepare", "first call", "warm-up", "rounds"]
"""What a configuration was doing when it failed."""


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


class Gpu(Record, frozen=True):
    """An accelerator's fixed facts."""

    device: str
    name: str
    uuid: str | None = None
    mem_bytes: int | None = None
    capability: str | None = None
    mig: bool | None = None
    clock_max_hz: float | None = None


class Machine(Record, frozen=True):
    """What it ran on, and the settings that hold for every row."""

    host: str
    cpu: str
    isa: str
    """The widest vector instructions that torch uses here: "AVX512"."""
    cores_visible: int
    """That this process may run on."""
    quota_cores: float | None
    """The control group's limit; None without one."""
    threads: int
    """CPU threads of torch within an op: the least of visible, quota and physical cores."""
    memory_bytes: int | None = None
    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    tf32: bool | None = None
    """Whether float32 products may use TF32; None without CUDA."""
    cudnn_benchmark: bool | None = None


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


class Cold(Record, frozen=True):
    """What happens once, before anything is warm."""

    build_s: float
    to_device_s: float
    first_call_s: float
    compile_s: float | None = None


class Round(Record, frozen=True):
    """One slot of a round, raw: its calls' median and what the machine did meanwhile."""

    number: int
    """From 0; slots of the same number in different rows are pairs."""
    median_s: float
    n: int
    """Samples."""
    t_start_s: float
    """Since the first round began."""
    canary_ratio: float
    """A fixed loop beside the slot, over its fastest time of the run; 1 is undisturbed."""
    runq_frac: float | None = None
    """The share of the slot that a thread which wanted to run had to wait for a core."""
    throttled: tuple[str, ...] = ()
    """What held it up: why the device lowered its clock, or "quota", a CPU quota that ran out."""
    discarded: bool = False
    """Its canary failed and another attempt took its place."""


class Latency(Record, frozen=True):
    """Seconds an iteration, synchronized one by one."""

    median_s: float
    """The median of the round medians."""
    ci_low_s: float
    ci_high_s: float
    ci_method: str
    """How the interval was made, and how sure it is: "rounds 2 to 9 of 10 (97.9 %)"."""
    floor_s: float
    """The p5 of all samples: what it takes when nothing is in the way."""
    p90_s: float | None
    """None below 100 samples."""
    p99_s: float | None
    """None below 1,000 samples."""
    n_calls: int
    """Timed calls in the rounds that were kept."""
    calls_per_sample: int
    """Above 1, a sample is the mean of a block of so many calls."""
    warmup_calls: int
    rounds: tuple[Round, ...]
    """In the order measured, the discarded ones too."""

    @property
    def kept(self) -> tuple[Round, ...]:
        """The rounds that the estimate is of, one a number."""
        return tuple(each for each in self.rounds if not each.discarded)

    @property
    def half_width(self) -> float:
        """Half the interval over the median."""
        return (self.ci_high_s - self.ci_low_s) / (2 * self.median_s)


class PartInterval(Record, frozen=True, kw_only=False):
    """Of the median of one part of a call, over the rounds."""

    part: str
    """The name of its figure: "h2d_s"."""
    low_s: float
    high_s: float


class Accelerator(Record, frozen=True):
    """Where the time of one call on an accelerator goes: medians of round medians."""

    enqueue_s: float
    """Until the call returns to Python."""
    device_s: float | None
    """Between two events on the device's stream; None where it has none that tell time."""
    h2d_s: float
    """The inputs to the device, from pageable memory."""
    h2d_pinned_s: float | None
    d2h_s: float
    """The outputs back."""
    end_to_end_s: float
    """Inputs there, the call, outputs back, in one."""
    bounds: tuple[str, ...] = ()
    """ "launch-bound", "transfer-bound"."""
    clock_hz: float | None = None
    temp_c: float | None = None
    power_w: float | None = None
    reasons: tuple[str, ...] = ()
    """Why the clock was lowered during the rounds."""
    intervals: tuple[PartInterval, ...] = ()
    """Of each figure in seconds that was measured."""


class Train(Record, frozen=True):
    """One training step apart, each part waited for: medians of round medians."""

    forward_s: float
    backward_s: float
    optimizer_s: float
    optimizer: str = ""
    intervals: tuple[PartInterval, ...] = ()


class Throughput(Record, frozen=True):
    """Items a second, with its interval, of calls back to back with one wait at the end."""

    items_per_s: float
    ci_low: float
    ci_high: float
    mode: Literal["latency", "back to back"]
    """ "latency" where a device is done when the call returns: then it is batch / latency."""


class MemoryUse(Record, frozen=True):
    """The device's, except for the host's resident set."""

    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    free_before_bytes: int | None = None
    host_rss_bytes: int | None = None


class Work(Record, frozen=True):
    """What one iteration computes."""

    flops: int
    """2 x mult-adds."""
    achieved_flops_per_s: float
    uncounted_ops: tuple[str, ...] = ()
    """Whose products are not in it, with how often each was called: "fft ×2"."""
    bound: Bound = ""


class LayerTime(Record, frozen=True):
    """One module in an instrumented run. The root's path is ""."""

    path: str
    self_s: float
    """Its own code: what no recorded child took."""
    total_s: float
    calls: int
    flops: int | None = None
    """Of its own code; None where they are not counted."""
    bound: Bound = ""
    """What takes its own time."""


class LayerTimes(Record, frozen=True):
    """Self times partition the instrumented whole."""

    layers: tuple[LayerTime, ...]
    unattributed_s: float
    instrumented_over_plain: float
    """The fastest call of each: what watching costs."""


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
