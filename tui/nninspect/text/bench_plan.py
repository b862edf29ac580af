"""A benchmark's plan as people type it."""

from __future__ import annotations

import re

from nninspect.errors import BadInput
from nninspect.protocol.bench_plan import BenchPlan


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


def size(text: str) -> int:
    """Bytes: "4GiB", "512 MiB", "2G"; units are powers of 1024. Raises BadInput."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    value = float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else 0
    if value < 1:
        raise BadInput(f"{text.strip()!r} is not a size", "type bytes with a unit, as 4GiB")
    return int(value)


CROSSOVER = "crossover"
LARGEST = "largest"


def plan(
    devices: str, batch: str, modes: str, max_time: str, memory: str, quick: bool
) -> BenchPlan:
    """The plan that was typed. In place of batch sizes, "crossover" searches for them; beside
    them, "largest" searches for what fits. Raises BadInput."""
    asked = names(batch)
    sizes = [each for each in asked if each not in (CROSSOVER, LARGEST)]
    return BenchPlan(
        devices=names(devices),
        batches=tuple(map(batch_size, sizes)),
        modes=names(modes),
        max_time_s=seconds(max_time),
        crossover=CROSSOVER in asked,
        largest_batch=LARGEST in asked,
        memory_limit_bytes=size(memory) if memory.strip() else None,
        quick=quick,
    )


def batch_field(plan: BenchPlan) -> str:
    """The batch sizes of a plan as they are typed."""
    words = {CROSSOVER: plan.crossover, LARGEST: plan.largest_batch}
    return ",".join((*map(str, plan.batches), *(word for word, is_on in words.items() if is_on)))


def batch_size(text: str) -> int:
    """1 or more. Raises BadInput."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise BadInput(f"{text!r} is not a batch size", "type 1 or more")
    return value
