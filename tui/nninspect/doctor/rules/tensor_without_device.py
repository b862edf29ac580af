"""NN802: a tensor made in the forward without saying on which device."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_NAMES = """
zeros ones empty full rand randn randint randperm arange range linspace logspace eye tensor
as_tensor tril_indices triu_indices hann_window hamming_window
"""
_MAKERS = frozenset(_NAMES.split())
_MOVED = frozenset({"to", "cuda", "type_as", "cpu", "xpu", "copy"})
_INDEXED = frozenset({"getitem", "setitem"})
"""An index may be on the CPU wherever the tensor is."""
_COUNTED = frozenset({"multinomial", "topk", "narrow", "expand", "view", "reshape", "repeat"})
"""What they get beside their first tensor are numbers, wherever those are."""


class TensorWithoutDevice(Rule):
    """A tensor that the forward makes lies on the CPU, wherever the model is.

    What it flags: `torch.zeros(...)`, `torch.arange(...)` and the like in your own forward
        without `device=`, of more than one element, that meets other tensors. It leaves alone
        what is moved afterwards, single numbers, mere indices, and what is made on the default
        device that a `with torch.device(...)` sets.
    Why: on the CPU all is well; once the model and its inputs are on a GPU, the forward fails
        with "Expected all tensors to be on the same device".
    Instead: `torch.zeros(..., device=x.device)`, `x.new_zeros(...)`, `torch.zeros_like(x)`, or a
        buffer where it is always the same.
    Example:
        h = torch.zeros(x.size(0), self.hidden)
        h = torch.zeros(x.size(0), self.hidden, device=x.device)
    """

    code = "NN802"
    name = "tensor-without-device"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        told: set[tuple[str, int]] = set()
        on_cpu = _left_on_the_cpu(evidence.trace)
        for step in evidence.trace.steps:
            line = (step.notes.file, step.notes.line)
            if not step.notes.file or line in told or not _is_blamed(evidence, step, on_cpu):
                continue
            told.add(line)
            yield self.finding(
                f"torch.{step.name} makes a tensor of {step.shape} without device=, in the"
                f" forward of {step.inside or 'the model'}.",
                why="It lies on the CPU wherever the model is, so the forward fails on any other"
                " device.",
                change=f"torch.{step.name}(..., device=x.device)",
                at=step.at,
            )


def _is_blamed(evidence: Evidence, step: Step, on_cpu: set[Step]) -> bool:
    if step.name not in _MAKERS or step.module is not None or not evidence.is_own(step.at):
        return False
    if step not in on_cpu or not step.shape or prod(step.shape) < 2:
        return False
    return _meets_others(step, on_cpu)


def _left_on_the_cpu(trace: Trace) -> set[Step]:
    """What is made of nothing but tensors that were made without a device and not moved."""
    found: set[Step] = set()
    for step in trace.steps:
        is_plain = step.module is None and not step.weights and not step.notes.constants
        is_start = step.name in _MAKERS and "device" not in step.notes.options
        is_made_of_them = bool(step.producers) and step.name not in _MOVED
        if is_plain and (is_made_of_them or is_start):
            makers = step.producers[:1] if step.name in _COUNTED else step.producers
            found |= {step} if all(maker in found for maker in makers) else set()
    return found


def _meets_others(step: Step, on_cpu: set[Step]) -> bool:
    """It gets to an op with tensors of another kind before anything moves it."""
    waiting, seen = [step], {step}
    while waiting:
        for user in waiting.pop().consumers:
            if user in seen or user.name in _MOVED or _is_index(user, on_cpu):
                continue
            seen.add(user)
            if user not in on_cpu:
                return True
            waiting.append(user)
    return False


def _is_index(user: Step, on_cpu: set[Step]) -> bool:
    """What was made says which parts of another tensor are taken."""
    first = user.producers[0] if user.producers else None
    is_taken_from = first in on_cpu and not user.notes.constants
    return user.name in _INDEXED and not is_taken_from
