"""NN412: two forwards in eval mode differ."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import NOWHERE
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.dropout_in_eval import is_left_on
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity

RELATIVE = 1e-4
"""Of the largest output: less is the order of summation."""
_NAMES = """
    rand randn rand_like randn_like normal bernoulli multinomial uniform randint randint_like
    randperm exponential poisson gumbel_softmax
"""
_DRAWS = frozenset(_NAMES.split())


class RandomEval(Rule):
    """The same input gives different outputs in eval mode.

    What it flags: two forwards of the same batch that differ: a warning. Where the forward draws
        random numbers by itself (sampling, as in a VAE) it is an info, and a dropout that stays
        on is NN405's.
    Why: what is measured on such a model can't be repeated, and an answer is partly luck.
    Instead: draw random numbers only where `self.training`; find the state that a forward changes.
    Example:
        z = mean + std * torch.randn_like(std)
        z = mean + std * torch.randn_like(std) if self.training else mean
    """

    code = "NN412"
    name = "random-eval"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        steps = evidence.trace.steps
        if evidence.setup.training or any(is_left_on(evidence, step) for step in steps):
            return
        if evidence.trace.foreign or evidence.probes.is_steady():  # new weights are NN507's
            return
        difference = _difference(evidence)
        if difference <= RELATIVE:
            return
        drawn = next((step for step in steps if _draws(step)), None)
        yield self.finding(
            f"Two forwards of the same batch in eval mode differ by {difference:.2%} of the"
            f" largest output{f': {drawn.called}' if drawn else ''}.",
            why="What is measured on such a model can't be repeated.",
            change="z = mean + std * noise if self.training else mean" if drawn else "",
            at=evidence.at(drawn) if drawn else NOWHERE,
            severity=Severity.INFO if drawn else None,
        )


def _difference(evidence: Evidence) -> float:
    """The largest, relative to the largest output; 0 where the two can't be compared."""
    one, other = (evidence.probes.run(noise=noise).output for noise in (0, 1))
    if one is None or other is None or not one.is_floating_point() or one.shape != other.shape:
        return 0.0
    finite = torch.isfinite(one) & torch.isfinite(other)
    if not bool(finite.any()):
        return 0.0
    most = (one - other)[finite].abs().max() / one[finite].abs().max().clamp_min(1e-12)
    return float(most)


def _draws(step: Step) -> bool:
    return step.name.rstrip("_") in _DRAWS
