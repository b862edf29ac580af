"""What a model ends with: the step that decides what its primary output can be."""

from __future__ import annotations

from nninspect.doctor.roles import Role
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace

FOR_CLASSES = frozenset({"cross_entropy", "nll_loss"})
FOR_PROBABILITIES = frozenset({"binary_cross_entropy"})
FOR_VALUES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
FOR_LOGITS = frozenset({"cross_entropy", "binary_cross_entropy_with_logits"})


def ending(trace: Trace) -> Step | None:
    """What made the primary output, looking back through what only moves or bounds numbers."""
    step, seen = trace.output, set[Step]()
    while step is not None and _keeps(step) and step not in seen:
        seen.add(step)
        step = step.producers[0] if len(step.producers) == 1 else None
    return step


def _keeps(step: Step) -> bool:
    """It moves numbers, or keeps them off the ends of a range."""
    return step.role is Role.MOVE or step.name.rstrip("_") in ("clamp", "clip")


def name_said(step: Step) -> str:
    """Of the last step: "sigmoid", "net.out (Softmax)"."""
    if step.by_hand and not step.inside:
        return f"{step.name} (written out)"
    return step.called if step.module is not None or step.inside else step.name
