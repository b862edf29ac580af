"""What a benchmark measures of one configuration, the rounds raw.

Units are SI: seconds, bytes, hertz, watts. A field is None where the device or the machine does
not tell, never 0.
"""

from __future__ import annotations

from typing import Literal

from nninspect.protocol.records import Record
from nninspect.protocol.roofline import Bound


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
