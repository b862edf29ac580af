"""What a benchmark finds over batch sizes: where one row overtakes another, and what still fits."""

from __future__ import annotations

from nninspect.protocol.records import Record


class Series(Record, frozen=True, kw_only=False):
    """One device and mode over batch sizes."""

    device: str
    mode: str = "inference"


class Crossover(Record, frozen=True):
    """From which batch size on one series is faster than another.

    A batch counts where the interval of its ratio excludes 1, and every larger one does so too.
    """

    series: Series
    """The one that is faster at the largest batches."""
    over: Series
    batch: int | None
    """The first from which on it is shown to be faster; None where it is at none."""
    slower_at: int | None = None
    """The largest below `batch` at which it is shown to be slower: it overtakes between the two.
    None where it is so at none."""
    checked: tuple[int, ...] = ()
    """The batch sizes that were compared."""
    with_transfers: bool = False
    """Inputs from the host and outputs back are in its times."""


class LargestBatch(Record, frozen=True):
    """The largest batch that one device holds in one mode."""

    series: Series
    batch: int | None
    """None where not even one sample fits, or none could be tried."""
    too_large: int | None
    """The smallest that did not fit; None where none was met."""
    peak_bytes: int | None = None
    """At `batch`."""
    limit_bytes: int | None = None
    """What it was to fit into; None where the device says by itself when it is full."""
    attempts: int = 0
    note: str = ""
    """Why it was not found, or not more closely; a sentence, or ""."""
