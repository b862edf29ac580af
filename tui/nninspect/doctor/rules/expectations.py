"""NN608: what was declared of a model does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.deadline import Unavailable
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import NOWHERE, Place
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.shapes import shape

Shape = tuple[int, ...]


class Expectations(Rule):
    """The model has other parameters, or another output, than was declared.

    What it flags: with `--expect-params N`, another number of parameters, tied ones counted
        once; with `--expect-output "64,10"`, another output shape for a batch of 64. Without
        these options it has nothing to say.
    Why: shapes and counts don't fit by themselves; a number written down beforehand finds what
        a forward that happens to run does not.
    Instead: change the layers, or what is expected.
    Example:
        nninspect check net.py:Net --input 1x784 --expect-params 101770 --expect-output 64,10
    """

    code = "NN608"
    name = "expectations"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.plan.expect_params is not None:
            yield from self._parameters(evidence, evidence.plan.expect_params)
        if evidence.plan.expect_output is not None and evidence.forward_failure is None:
            yield from self._output(evidence, evidence.plan.expect_output)

    def _parameters(self, evidence: Evidence, expected: int) -> Iterator[Finding]:
        has = sum(parameter.numel() for parameter in evidence.structure.parameters.values())
        if has != expected:
            more = f"{abs(has - expected):,} {'more' if has > expected else 'fewer'}"
            yield self.finding(
                f"{expected:,} parameters were expected, and the model has {has:,}: {more}.",
                why="Some layer has other sizes than were planned, or is not registered.",
                change="nninspect summary lists the parameters of each layer",
            )

    def _output(self, evidence: Evidence, expected: Shape) -> Iterator[Finding]:
        has = _output_of(evidence, expected[0] if expected else 1)
        if has is not None and has != expected:
            yield self.finding(
                f"An output of {shape(expected)} was expected, and a batch of"
                f" {expected[0] if expected else 1} gives {shape(has)}.",
                why="A loss may broadcast the two against each other without an error.",
                change=_change(expected, has),
                at=_place_of_output(evidence),
            )


def _output_of(evidence: Evidence, batch: int) -> Shape | None:
    """The shape of the primary output for a batch; None where the model has no output.

    Raises Unavailable where the forward can't be run at that batch.
    """
    if reason := evidence.missing(Need.TRACE):
        raise Unavailable(reason)
    inputs = evidence.probes.inputs
    step = evidence.trace.output
    if (
        step is not None
        and inputs
        and all(s.shape[s.batch_dim] == batch for s in inputs if s.shape)
    ):
        return step.shape
    if reason := evidence.missing(Need.FORWARD):
        raise Unavailable(reason)
    run = evidence.probes.run(batch)
    if run.error is not None:
        raise Unavailable(f"a batch of {batch} fails: {run.failure}")
    return None if run.output is None else tuple(run.output.shape)


def _place_of_output(evidence: Evidence) -> Place:
    step = evidence.trace.output
    return evidence.at(step) if step is not None else NOWHERE


def _change(expected: Shape, has: Shape) -> str:
    if len(expected) == len(has) and expected[:-1] == has[:-1]:
        return f"make the last layer {expected[-1]} wide; it is {has[-1]}"
    return "x = torch.flatten(x, 1)" if len(has) > len(expected) else "keep the missing dimension"
