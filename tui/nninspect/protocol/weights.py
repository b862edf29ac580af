"""What is known of a tensor's values: its extremes, its moments, a histogram, what is broken."""

from __future__ import annotations

from nninspect.protocol.records import Record

MOST_VALUES = 2**20
"""Of a larger tensor so many values are drawn for its mean, std, zeros and histogram."""
BINS = 32


class Values(Record, frozen=True):
    """Statistics of one tensor. Extremes, NaN and Inf are of all values, the rest of `looked_at`.

    Each is of the finite values; a figure is None where there are none. Complex values are
    looked at by their magnitude.
    """

    looked_at: int
    """How many values were drawn; the tensor's own count where that is all of them."""
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    std: float | None = None
    zeros: int = 0
    """Of the values looked at."""
    nans: int = 0
    infs: int = 0
    histogram: tuple[int, ...] = ()
    """Counts in equal bins from `low` to `high`; () where all values are one."""


class TensorStats(Record, frozen=True):
    """One parameter or buffer, and its values where it has any."""

    path: str
    """Of the tensor: "stem.conv.weight"."""
    shape: tuple[int, ...]
    dtype: str
    count: int
    """Elements; 0 for a lazy parameter."""
    size: int
    """Bytes."""
    is_buffer: bool = False
    is_trainable: bool = False
    is_saved: bool = True
    """In the model's `state_dict`; some buffers are not."""
    is_stored: bool = False
    """Of a file, which tells neither buffers nor what is trained."""
    also: tuple[str, ...] = ()
    """Other paths of the same tensor: it is tied."""
    values: Values | None = None
    unknown: str = ""
    """Why there are no values, for people: "on meta"."""

    @property
    def module(self) -> str:
        """The path of the module that holds it."""
        return self.path.rpartition(".")[0]

    @property
    def is_sampled(self) -> bool:
        return self.values is not None and self.values.looked_at < self.count
