"""A benchmark's plan as people type it."""

from __future__ import annotations

from nninspect.errors import BadInput
from nninspect.protocol.bench import BenchPlan


def batches(text: str) -> tuple[int, ...]:
    """ "1,8,64" → (1, 8, 64); "" → (). Raises BadInput."""
    return tuple(batch_size(part) for part in names(text))


def names(text: str) -> tuple[str, ...]:
    """ "cpu, cuda" → ("cpu", "cuda")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def seconds(text: str) -> float:
    """Seconds above 0. Raises BadInput."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise BadInput(f"{text.strip()!r} is not a duration", "type seconds, as 2.5")
    return value


def plan(devices: str, batch: str, modes: str, max_time: str, quick: bool) -> BenchPlan:
    """The plan that was typed. Raises BadInput."""
    return BenchPlan(
        devices=names(devices),
        batches=batches(batch),
        modes=names(modes),
        max_time_s=seconds(max_time),
        quick=quick,
    )


def batch_size(text: str) -> int:
    """1 or more. Raises BadInput."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise BadInput(f"{text!r} is not a batch size", "type 1 or more")
    return value
