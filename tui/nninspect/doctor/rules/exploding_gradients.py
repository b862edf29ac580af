"""NN709: the gradient swells on its way to the first layers."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.flow import RATIO, SEEDS, gradient_flow
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class ExplodingGradients(Rule):
    """The gradient at the first layers is out of proportion to that at the last.

    What it flags: measured over several random batches, the gradient at the outputs of the first
        quarter of the linear layers and convolutions is more than 100,000 times that at the last
        quarter; the least of the first ones counts.
    Why: a learning rate that suits the last layers throws the first ones far away in one step,
        and the loss becomes NaN. Every layer whose weights are too large multiplies it.
    Instead: initialise with `nn.init.kaiming_normal_` or `xavier_uniform_`, add norms, and clip
        with `nn.utils.clip_grad_norm_`.
    Example:
        nn.init.normal_(layer.weight)  # a deviation of 1 for 512 inputs
        nn.init.kaiming_normal_(layer.weight)
    """

    code = "NN709"
    name = "exploding-gradients"
    severity = Severity.WARNING
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        flow = gradient_flow(evidence)
        if flow is None or min(flow.early) < RATIO * median(flow.late):
            return
        yield self.finding(
            f"The gradient grows from {median(flow.late):.1e} at {flow.last} to"
            f" {min(flow.early):.1e} at {flow.first}, over {flow.calls} layers"
            f" (medians of {len(SEEDS)} batches).",
            why="A step that suits the last layers throws the first ones far away.",
            change="nn.init.kaiming_normal_(layer.weight), a norm after each layer, and"
            " nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
            at=evidence.at_path(flow.first),
            related=(flow.last,),
        )
