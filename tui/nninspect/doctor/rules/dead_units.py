"""NN206: units behind a ReLU that are never active."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.watching import RELUS
from nninspect.protocol.findings import Finding, Severity

SAMPLES = 32
MIN_UNITS = 8
DEAD_SHARE = 0.9


class DeadUnits(Rule):
    """Almost all units behind a ReLU are 0 whatever comes in.

    What it flags: a ReLU of 8 and more units of which 90 % are 0 for each of 32 random samples.
    Why: a unit that is always 0 passes no gradient back, so it can't recover: what is before it
        does not learn, what is after it sees nothing.
    Instead: look at the bias before it (a large negative one), at a learning rate that was too
        high, or use LeakyReLU.
    Example:
        nn.init.constant_(self.fc1.bias, -10.0)
        nn.init.zeros_(self.fc1.bias)
    """

    code = "NN206"
    name = "dead-units"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        steps = [step for step in evidence.trace.steps if step.name in RELUS]
        if not steps:
            return
        if not any(map(_are_dead, evidence.trace.active_units)):
            return
        watched = evidence.probes.active_units(SAMPLES)
        if len(watched) != len(steps):
            return
        for step, active in zip(steps, watched, strict=True):
            units, dead = active.numel(), int((~active).sum())
            if _are_dead(active):
                yield self.finding(
                    f"{dead} of {units} units behind {step.called} were 0 for each of {SAMPLES}"
                    " random samples.",
                    why="A unit that is always 0 passes no gradient back, so what is before it"
                    " does not learn.",
                    change="nn.init.zeros_(layer.bias)  # of the layer before it; or nn.LeakyReLU",
                    at=evidence.at(step),
                )


def _are_dead(active: torch.Tensor) -> bool:
    """By few samples, those of the trace, too: what is active in them is so in more."""
    units, dead = active.numel(), int((~active).sum())
    return units >= MIN_UNITS and dead >= DEAD_SHARE * units
