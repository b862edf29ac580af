"""Which line may mix the samples of a batch, by what the steps do with dimension 0."""

from __future__ import annotations

from nninspect.doctor.place import Place
from nninspect.doctor.roles import Role
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace

_OVER = frozenset({"mean", "sum", "std", "var", "max", "min", "amax", "amin", "softmax", "norm",
                   "cumsum", "logsumexp", "log_softmax", "median", "normalize"})  # fmt: skip
_TURNS = frozenset({"transpose", "permute", "t", "swapaxes", "movedim"})
_COUNTED_ANEW = frozenset({"view", "reshape", "flatten"})


def mixing_place(trace: Trace) -> tuple[Place, str] | None:
    """The only line that takes something over dimension 0, or counts it anew once it has changed
    places, and what to write there; None where there is none, or several."""
    found: dict[object, tuple[Place, str]] = {}
    for step in trace.steps:
        change = _change(step) if step.notes.file else ""
        if change:
            found.setdefault(step.at[1:], (step.at, change))
    return next(iter(found.values())) if len(found) == 1 else None


def _change(step: Step) -> str:
    if _is_counted_anew(step):
        return "x = x.flatten(1)  # dimension 0 is the batch's"
    if _is_over_first(step):
        return f"{step.name} over dim=-1, within each sample; or a BatchNorm, which keeps its own"
    return ""


def _is_over_first(step: Step) -> bool:
    dim = step.option("dim", step.option("1"))
    first = dim[0] if isinstance(dim, (list, tuple)) and len(dim) == 1 else dim
    return step.name in _OVER and len(step.given_shape) > 1 and first in (0, -len(step.given_shape))


def _is_counted_anew(step: Step) -> bool:
    """A view behind a transposition that took the batch along."""
    if step.name not in _COUNTED_ANEW or len(step.shape) >= len(step.given_shape):
        return False
    made = step.producers[0] if step.producers else None
    while made is not None and made.role is Role.MOVE and made.name not in _TURNS:
        made = made.producers[0] if made.producers else None
    return made is not None and made.name in _TURNS and made.shape[:1] != made.given_shape[:1]
