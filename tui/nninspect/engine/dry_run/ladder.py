"""The ladder of a dry run: from one rung to the next where a forward failed for want of values."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nninspect.protocol.dry_run import DryRun, Rung
from nninspect.protocol.records import Inspection

_WANTED_VALUES = (
    "NotImplementedError",
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "meta tensor",
    "meta device",
    "to be on meta",
    "but it's on meta",
    "device meta",
    "data is not allocated",
)
"""What an exception says, in lower case or not, that a real forward need not meet."""


def climb(seen: Inspection, look: Callable[[Rung], Inspection | None]) -> Inspection:
    """What was seen on meta; else on the first rung above that gets through, or the last one that
    can be had. `look` takes the rung; it gives None where the values can't be had."""
    left: list[str] = []
    for rung in (Rung.FAKE, Rung.REAL):
        if not is_for_want_of_values(seen) or (found := look(rung)) is None:
            return seen
        left.append("" if seen.failure is None else seen.failure.message)
        dry_run = msgspec.structs.replace(found.dry_run or DryRun(rung=rung), left=tuple(left))
        seen = msgspec.structs.replace(found, dry_run=dry_run)
    return seen


def is_for_want_of_values(inspection: Inspection) -> bool:
    """A forward failed that may well run with values: it asked for some, a guess misled it, or
    fake tensors, which are not quite like others, were in its way."""
    if inspection.failure is None or inspection.dry_run is None:
        return False
    if inspection.dry_run.rung is Rung.FAKE:
        return True
    said = f"{inspection.failure.message} {inspection.failure.details}"
    return bool(inspection.dry_run.guesses) or any(text in said for text in _WANTED_VALUES)
