"""A file of weights as the app shows it: its tensors as rows, and why the rest is empty."""

from __future__ import annotations

from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.records import Problem
from nninspect.protocol.weights import TensorStats

UNREAD = "only the header was read"


def rows(found: Checkpoint) -> tuple[TensorStats, ...]:
    """Every tensor of the file, without values."""
    return tuple(
        TensorStats(
            path=each.path,
            shape=each.shape,
            dtype=each.dtype,
            count=each.count,
            size=each.size,
            is_stored=True,
            also=each.also,
            unknown=UNREAD,
        )
        for each in found.tensors
    )


def no_model(found: Checkpoint) -> Problem:
    """What stands in the tabs that need a model."""
    return Problem(
        kind="BadTarget",
        message=f"{found.path} is a file of weights: there is no model in it to run",
        hint="Open its model: its file as path/to/net.py:Net. To compare the two: "
        f"nninspect summary {found.path} --model path/to/net.py:Net",
    )
