"""How the gradient changes from the last layers to the first."""

from __future__ import annotations

import math
from statistics import median
from typing import NamedTuple

from nninspect.doctor.backward import Arrived
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.values import has_statistics

SEEDS = (0, 1, 2)
MIN_CALLS = 4
"""Fewer layers in a row neither fade nor swell by much."""
RATIO = 1e5
"""Between what arrives at the first and at the last layers, above which it is a finding."""


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
    """None where too few layers are called, or not the same ones every time.

    With the statistics of the batch where a norm keeps its own: fresh ones normalise nothing.
    """
    training = any(has_statistics(module) for _, module in evidence.structure.modules())
    probes = evidence.probes
    runs = [probes.gradients(seed=seed, training=training, jitter=True).arrived for seed in SEEDS]
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


def _median(calls: tuple[Arrived, ...]) -> Arrived:
    return Arrived(calls[0].path, median(each.norm for each in calls))
