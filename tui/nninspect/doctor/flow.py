"""How the gradient changes from the last layers to the first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from nninspect.doctor.backward import Arrived, Gradients
from nninspect.doctor.evidence import Evidence

SEEDS = (0, 1, 2)
MIN_CALLS = 4
"""Fewer layers in a row neither fade nor swell by much."""
RATIO = 1e5
"""Between what arrives at the first and at the last layers, above which it is a finding."""
SUSPICIOUS = 1e3
"""Between the largest and the least of one backward, above which more are worth their time."""


class Flow(NamedTuple):
    """The gradient that arrives at the first and at the last quarter of the affine layers."""

    calls: int
    first: str
    """The path of the first layer."""
    last: str
    early: tuple[float, ...]
    """L2 norms, medians over seeds, in the order of the forward."""
    late: tuple[float, ...]


def gradient_flow(evidence: Evidence) -> Flow | None:
    """None where it is about the same everywhere by one backward, or too few layers are called,
    or not the same ones every time.

    In train mode: a norm's fresh statistics normalise nothing.
    """
    training, first = evidence.probes.backward()
    plain = [each.norm for each in first.arrived]
    if len(plain) < MIN_CALLS or (all(plain) and max(plain) < SUSPICIOUS * min(plain)):
        return None
    return _measured([run.arrived for run in moved_off(evidence, training)])


def moved_off(evidence: Evidence, training: bool) -> list[Gradients]:
    """Backwards of several batches, with constant parameters moved off their values."""
    probes = evidence.probes
    return [probes.gradients(seed=seed, training=training, jitter=True) for seed in SEEDS]


def _measured(runs: Sequence[Sequence[Arrived]]) -> Flow | None:
    if len({tuple(each.path for each in run) for run in runs}) != 1:
        return None
    calls = [_median(call) for call in zip(*runs, strict=True)]
    known = [each for each in calls if math.isfinite(each.norm) and each.norm > 0]
    if len(known) < MIN_CALLS:
        return None
    norms = [each.norm for each in known]
    quarter = max(1, len(known) // 4)
    return Flow(
        len(known), known[0].path, known[-1].path, tuple(norms[:quarter]), tuple(norms[-quarter:])
    )


def _median(calls: Sequence[Arrived]) -> Arrived:
    return Arrived(calls[0].path, median(each.norm for each in calls))
