"""How findings tell of several steps at once: one finding for all that are alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.step import Step

MAX_LISTED = 4


def by_owner(evidence: Evidence, steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps that the user wrote, then those of installed libraries; empty groups left out.

    A step that stands at the same line and row as an earlier one, as in a loop, comes once.
    """
    own: dict[object, Step] = {}
    others: dict[object, Step] = {}
    for step in steps:
        place = evidence.at(step)
        group = own if evidence.is_own(place) else others
        group.setdefault(place, step)
    yield from (list(group.values()) for group in (own, others) if group)


def listed(steps: Sequence[Step]) -> str:
    """ "fc1 (Linear), fc2 (Linear) and 3 more"."""
    names = list(dict.fromkeys(step.called for step in steps))
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def paths(steps: Iterable[Step]) -> tuple[str, ...]:
    """The rows of steps, each once."""
    return tuple(dict.fromkeys(step.path for step in steps))


def attribute(step: Step) -> str:
    """What the user's code calls a layer: "self.fc1"; the function's name for an op."""
    if step.module is None:
        return f"F.{step.name}"
    return f"self.{step.path.removeprefix(step.inside).lstrip('.')}"
