"""How far a latency can be believed: each threshold by name, each reason by what it points to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nninspect.bench.estimate import CONFIDENCE, coverage, drift, interval_rank, is_bimodal
from nninspect.engine.cgroup import QUOTA
from nninspect.protocol.bench import Quality
from nninspect.protocol.bench_figures import Latency, Round

TRUSTED_HALF_WIDTH = 0.02
NOISY_HALF_WIDTH = 0.10
"""Half the interval over the median."""

MAX_CANARY = 1.06
"""A fixed loop beside the slots, over its fastest time."""

MAX_RUNQ = 0.01
"""The share of the time that threads which wanted to run waited for a core."""

MAX_RUNQ_NOISY = 0.10
"""The same; from there on a call of several threads takes what the scheduler's turns take, a
hundred times its own time, and round after round the same."""

MAX_DRIFT = 0.03
"""The last fifth of the rounds from the first."""

MAX_MEDIAN_OVER_FLOOR = 1.10


def judge(latency: Latency, samples: Sequence[float]) -> Quality:
    """A latency's verdict. `samples` are those of the kept rounds."""
    reasons = tuple(_reasons(latency, samples))
    return Quality(
        verdict="trusted" if not reasons else "noisy" if _is_usable(latency) else "untrusted",
        reasons=reasons,
        discarded_slots=sum(each.discarded for each in latency.rounds),
    )


def is_disturbed(found: Round) -> bool:
    """Whether somebody else was on the cores in that round."""
    return (found.runq_frac or 0.0) >= MAX_RUNQ or found.canary_ratio > MAX_CANARY


def _is_usable(latency: Latency) -> bool:
    return (
        latency.half_width <= NOISY_HALF_WIDTH
        and not _has_too_few(latency)
        and _waited(latency) < MAX_RUNQ_NOISY
    )


def _has_too_few(latency: Latency) -> bool:
    count = len(latency.kept)
    return coverage(count, interval_rank(count)) < CONFIDENCE


def _reasons(latency: Latency, samples: Sequence[float]) -> Iterator[str]:
    kept = latency.kept
    if _has_too_few(latency):
        yield "too few rounds"
    if latency.half_width > TRUSTED_HALF_WIDTH:
        yield "wide interval"
    if _is_over_quota(latency):
        yield "over quota"
    if _waited(latency) >= MAX_RUNQ:
        yield "preempted"
    if _typical_worst([each.canary_ratio for each in kept]) > MAX_CANARY:
        yield "shared core"
    if any(set(each.throttled) - {QUOTA} for each in kept):
        yield "throttled"
    moved = drift([each.median_s for each in kept])
    if moved is not None and abs(moved) > MAX_DRIFT:
        yield "trend"
    if is_bimodal(samples):
        yield "bimodal"
    if latency.median_s > MAX_MEDIAN_OVER_FLOOR * latency.floor_s:
        yield "far above the floor"


def _is_over_quota(latency: Latency) -> bool:
    return _typical_worst([float(QUOTA in each.throttled) for each in latency.kept]) > 0


def _waited(latency: Latency) -> float:
    """The share of the time that others had the cores; what a quota keeps back is not theirs."""
    if _is_over_quota(latency):
        return 0.0
    return _typical_worst([each.runq_frac or 0.0 for each in latency.kept])


def _typical_worst(values: Sequence[float]) -> float:
    """The worst, leaving out as many rounds as the interval does."""
    return sorted(values)[len(values) - interval_rank(len(values))]
