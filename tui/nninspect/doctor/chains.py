"""Which layers follow which with nothing nonlinear between them: what the rules on stacks share."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.roles import Role
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace

LAYERS = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
"""Those whose stacking is hardly ever meant. Transposed ones make a shape on the way."""
BETWEEN = frozenset({Role.MOVE, Role.DROPOUT, Role.NORM})


def stacked(trace: Trace) -> Iterator[tuple[Step, Step]]:
    """Pairs of a layer and the only one that uses it, with nothing nonlinear in between."""
    for first in trace.steps:
        if first.name not in LAYERS:
            continue
        second = trace.only_after(first, BETWEEN)
        if second is not None and second.name in LAYERS and trace.only_before(second, BETWEEN):
            yield first, second


def norm_between(trace: Trace, first: Step, second: Step) -> bool:
    """Whether a norm stands between the two."""
    return trace.only_after(first) is not second


def width(step: Step) -> tuple[int, int]:
    """Features in and out of a layer, by its weight; (0, 0) where that is not to be seen."""
    weight = next((w for w in step.weights if w.dim() >= 2), None)
    return (int(weight.shape[1]), int(weight.shape[0])) if weight is not None else (0, 0)


def is_trained(step: Step) -> bool:
    """Its weights are there to be learnt."""
    return any(weight.requires_grad for weight in step.weights)


def is_grouped(step: Step) -> bool:
    """A convolution of groups, as a depthwise one: the next mixes what it kept apart."""
    groups: int = step.option("groups", step.option("6", 1))
    return groups != 1


_AROUND = frozenset({Role.MOVE, Role.DROPOUT, Role.NORM, Role.POOL})


def hidden_activations(trace: Trace, names: frozenset[str]) -> Iterator[Step]:
    """Activations of these names between affine layers: what they make goes into nothing else."""
    for step in trace.of(Role.ACTIVATION):
        if step.name not in names or trace.is_returned(step, _AROUND):
            continue
        before, after = trace.only_before(step, _AROUND), trace.after(step, _AROUND)
        if before is None or before.role is not Role.AFFINE or not after:
            continue
        if all(each.role is Role.AFFINE and step_is_input(trace, each) for each in after):
            yield step


def step_is_input(trace: Trace, layer: Step) -> bool:
    """A layer's tensors all come from one step: nothing made its weight on the way."""
    return trace.only_before(layer, _AROUND) is not None
