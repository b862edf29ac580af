"""NN607: a network that only an odd input size fits."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import msgspec

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace
from nninspect.engine.guessing.sides import STANDARD
from nninspect.protocol.findings import Finding, Severity

_STRIDED = ("conv2d", "max_pool2d", "avg_pool2d")


class OddSize(Rule):
    """Only an input size that no data set has makes the shapes meet.

    What it flags: a network whose input was not given and had to be, say, 30x30, because a
        linear layer was counted as if unpadded convolutions kept the size: it would fit 28x28
        only then. It is silent where a usual size works, or the size was said by someone.
    Why: the network raises on the images that it was written for.
    Instead: write the number that arrives at the usual size, or pad the convolutions.
    Example:
        nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(8 * 28 * 28, 10)  # 28 becomes 26
        nn.Conv2d(1, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 28 * 28, 10)
    """

    code = "NN607"
    name = "odd-size"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        inputs = evidence.probes.inputs
        if not evidence.inputs_were_guessed or len(inputs) != 1 or len(inputs[0].shape) != 4:
            return
        side = inputs[0].shape[-1]
        if side in STANDARD or inputs[0].shape[-2] != side:
            return
        for linear, flat in _flattened(evidence.trace):
            meant = flat.given_shape[-1] * _stride(evidence.trace, flat)
            if meant in STANDARD and meant < side and _fails_at(evidence, meant):
                yield self._finding(evidence, linear, flat, side, meant)
                return

    def _finding(
        self, evidence: Evidence, linear: Step, flat: Step, side: int, meant: int
    ) -> Finding:
        features, image = linear.given_shape[-1], flat.given_shape
        return self.finding(
            f"{linear.called} takes {features:,} features, {image[1]}x{image[2]}x{image[3]}, which"
            f" only images of {side}x{side} give; {meant}x{meant} would, if no convolution before"
            " it lost its border.",
            why=f"The network raises on {meant}x{meant} images; the size that was inferred hides"
            " it.",
            change=f"padding=kernel_size // 2 in the convolutions, or the in_features that"
            f" {meant}x{meant} gives",
            at=evidence.at(linear),
            related=(flat.path,),
        )


def _flattened(trace: Trace) -> Iterator[tuple[Step, Step]]:
    """Each linear layer that gets a whole map, and the step that flattens it."""
    for step in trace.steps:
        before = trace.only_before(step, ()) if step.name == "linear" else None
        while before is not None and before.given_shape == before.shape:
            before = trace.only_before(before, ())
        if before is not None and _flattens_a_map(before):
            yield step, before


def _flattens_a_map(step: Step) -> bool:
    image = step.given_shape
    if len(image) != 4 or len(step.shape) != 2 or image[-1] == 1:
        return False
    return prod(image[1:]) == step.shape[-1]


def _stride(trace: Trace, step: Step) -> int:
    """By how much the layers before it shrink an image, borders aside."""
    before = [each for each in trace.steps[: step.place] if each.name in _STRIDED]
    return prod(_first(each.option("stride") or each.option("kernel_size", 1)) for each in before)


def _first(value: object) -> int:
    found = value[0] if isinstance(value, (tuple, list)) and value else value
    return found if isinstance(found, int) else 1


def _fails_at(evidence: Evidence, side: int) -> bool:
    """One more forward, at the size that was meant."""
    (spec,) = evidence.probes.inputs
    smaller = msgspec.structs.replace(spec, shape=(*spec.shape[:2], side, side))
    return evidence.probes.run_with((smaller,)).error is not None
