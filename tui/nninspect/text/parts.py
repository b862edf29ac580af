"""What a call or a training step consists of, each part with its interval."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.bench import BenchRow
from nninspect.text import units
from nninspect.text.intervals import between, rounded
from nninspect.text.plain import plain

COLUMNS = ("parts of", "part", "p50", "interval")
"""The titles: of the row, and of a part of it."""

_NAMES = {
    "enqueue_s": "enqueue",
    "device_s": "device",
    "h2d_s": "to device",
    "h2d_pinned_s": "from pinned",
    "d2h_s": "to host",
    "end_to_end_s": "end to end",
    "forward_s": "forward",
    "backward_s": "backward",
    "optimizer_s": "optimizer",
}


def parts(row: BenchRow) -> Iterator[tuple[str, str, str]]:
    """Name, median and interval of each part that was measured: on an accelerator from Python's
    launch to the outputs' way back, of a training step its three phases. Of a single round there is
    no interval."""
    for whole in (row.accelerator, row.train):
        for part in whole.intervals if whole is not None else ():
            seconds, width = getattr(whole, part.part), part.high_s - part.low_s
            is_one = part.low_s == part.high_s
            told = units.NONE if is_one else between(part.low_s, part.high_s, seconds)
            yield _name(row, part.part), rounded(seconds, width), told


def _name(row: BenchRow, part: str) -> str:
    if part == "optimizer_s" and row.train is not None and row.train.optimizer:
        return f"{plain(row.train.optimizer)} step"
    return _NAMES[part]
