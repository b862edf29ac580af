"""NN708: the gradient fades on its way to the first layers."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.flow import RATIO, SEEDS, gradient_flow
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class VanishingGradients(Rule):
    """What arrives of the gradient at the first layers is next to nothing.

    What it flags: measured over several random batches, the gradient at the outputs of the first
        quarter of the linear layers and convolutions is less than 1 / 100,000 of that at the
        last quarter. The largest of the first ones counts, so a branch that starts small is
        left alone.
    Why: the first layers learn that much more slowly, which is: not at all. Every sigmoid
        multiplies the gradient by at most 0.25, every tanh by at most 1, and so does every layer
        whose weights are too small.
    Instead: ReLU or GELU in place of sigmoid, a norm after each layer, skips around blocks,
        `nn.init.kaiming_normal_` before ReLU.
    Example:
        nn.Sequential(*[nn.Sequential(nn.Linear(64, 64), nn.Sigmoid()) for _ in range(12)])
        nn.Sequential(*[nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(12)])
    """

    code = "NN708"
    name = "vanishing-gradients"
    severity = Severity.WARNING
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        flow = gradient_flow(evidence)
        if flow is None or max(flow.early) * RATIO > median(flow.late):
            return
        yield self.finding(
            f"The gradient falls from {median(flow.late):.1e} at {flow.last} to"
            f" {max(flow.early):.1e} at {flow.first}, over {flow.calls} layers"
            f" (medians of {len(SEEDS)} batches).",
            why="The first layers get next to no gradient, so they hardly learn.",
            change="Use ReLU or GELU for sigmoid and tanh, add norms or skips, and"
            " nn.init.kaiming_normal_(layer.weight).",
            at=evidence.at_path(flow.first),
            related=(flow.last,),
        )
