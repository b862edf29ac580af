"""NN201: two affine layers with no activation between them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from nninspect.doctor.chains import is_grouped, is_trained, norm_between, stacked, width
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.only_affine import is_only_affine
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity


class AffinePair(Rule):
    """Two affine layers follow each other with no activation between them.

    What it flags: a linear layer or a convolution whose only user is another one, with nothing
        but reshaping or dropout between them. A norm between them makes it an info. It leaves
        alone a bottleneck (the middle is narrower than both ends: a low rank is meant), grouped
        and transposed convolutions, and frozen layers.
    Why: two affine maps in a row are one affine map, so the second layer adds parameters and
        time and nothing that the first could not have learnt.
    Instead: put an activation between them, or make them one layer.
    Example:
        x = self.fc2(self.fc1(x))  # one affine map
        x = self.fc2(F.relu(self.fc1(x)))
    """

    code = "NN201"
    name = "affine-pair"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        if is_only_affine(trace):
            return
        for first, second in stacked(trace):
            if _is_meant(first, second):
                continue
            has_norm = norm_between(trace, first, second)
            yield self.finding(
                f"{first.called} is followed by {second.called}"
                f"{', with only a norm' if has_norm else ' with no activation'} between them.",
                why="Two affine maps in a row are one affine map: the second adds parameters"
                " and nothing that the first could not have learnt.",
                change=_change(trace, first, second),
                at=evidence.at(second),
                severity=Severity.INFO if has_norm else None,
                related=(first.path,),
            )


def _is_meant(first: Step, second: Step) -> bool:
    """A rank bottleneck, groups, or nothing to be learnt."""
    into, middle = width(first)
    _, out = width(second)
    if not middle or middle < min(into * _patch(first, second), out):
        return True
    if _is_line(first) and _is_line(second):
        return True
    if is_grouped(first) or is_grouped(second):
        return True
    return not (is_trained(first) and is_trained(second))


def _patch(first: Step, second: Step) -> int:
    """How many places the first looks at for each output, where the second looks at one: few
    numbers for a whole patch are a low rank. Two windows, one after the other, are none."""
    return _window(first) if _window(second) == 1 else 1


def _window(step: Step) -> int:
    """Places that a convolution looks at for each output."""
    return prod(_kernel(step))


def _is_line(step: Step) -> bool:
    """A window of 1 x k or k x 1: half of a separable one."""
    kernel = _kernel(step)
    return len(kernel) > 1 and 1 in kernel and prod(kernel) > 1


def _kernel(step: Step) -> tuple[int, ...]:
    """Of a convolution; () for a linear layer, and where the weight is not to be seen."""
    return tuple(step.weights[0].shape[2:]) if step.weights else ()


def _change(trace: Trace, first: Step, second: Step) -> str:
    norms = [step for step in trace.after(first) if step.role is Role.NORM]
    last = norms[0] if norms else first
    after = f"self.{last.path}" if last.module is not None and last.path else "the first"
    return f"x = F.relu({after}(x))" if after.startswith("self.") else "x = F.relu(x)"
