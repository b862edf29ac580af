"""NN404: two norms in a row."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import by_owner, listed, paths
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_LAYERS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})


class TwoNorms(Rule):
    """A norm follows a norm, with nothing learnt between them.

    What it flags: a norm whose only input is another norm and whose input nothing else uses.
    Why: what is normalised already is normalised again; the second adds parameters and time.
    Instead: keep one of them.
    Example:
        x = self.norm2(self.norm1(x))
        x = self.norm1(x)
    """

    code = "NN404"
    name = "two-norms"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        found = [step for step in trace.of(Role.NORM) if _norm_before(trace, step)]
        for steps in by_owner(evidence, found):
            first = _norm_before(trace, steps[0])
            assert first is not None
            yield self.finding(
                f"{listed(steps)}: directly behind a norm, {first.called}.",
                why="What is normalised already is normalised again.",
                change="x = self.norm(x)  # one of the two",
                at=evidence.at(steps[0]),
                related=paths([first, *steps[1:]]),
            )


def _norm_before(trace: Trace, step: Step) -> Step | None:
    if step.name not in _LAYERS:
        return None
    first = trace.only_before(step)
    if first is None or first.name not in _LAYERS:
        return None
    return first if trace.only_after(first) is step else None
