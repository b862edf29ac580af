"""What a device can do at most, as it was measured: what a layer's time is held against."""

from __future__ import annotations

from typing import Literal, TypeAlias

from nninspect.protocol.records import Record

Bound: TypeAlias = Literal["compute-bound", "memory-bound", "launch-bound", ""]
"""What most of a time is taken by; "" where none of them accounts for half of it."""


class Bandwidth(Record, frozen=True, kw_only=False):
    """Copying a working set of so many bytes: smaller ones come from nearer memory."""

    working_set_bytes: int
    bytes_per_s: float
    """Read and written."""


class Limits(Record, frozen=True):
    """One device in one dtype with so many CPU threads; each figure is the best of a few tries."""

    device: str
    dtype: str
    threads: int
    flops_per_s: float
    """Of a large matrix product."""
    bandwidths: tuple[Bandwidth, ...]
    """The smallest working set first."""
    launch_s: float
    """Of the smallest layer there is: a call that computes next to nothing."""

    def bandwidth(self, working_set_bytes: int) -> float:
        """Bytes a second where so many are at work: that of the next larger set measured."""
        fitting = (each for each in self.bandwidths if each.working_set_bytes >= working_set_bytes)
        return next(fitting, self.bandwidths[-1]).bytes_per_s
