"""NN303: a loss that takes probabilities gets something else."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from nninspect.doctor.endings import ending
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import NOWHERE
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

SAMPLES = 32
TOLERANCE = 1e-3


class LossDomain(Rule):
    """A loss that takes probabilities, or their logarithms, gets logits.

    What it flags: outputs below 0 or above 1 before `binary_cross_entropy`; outputs that are no
        log-probabilities before `nll_loss`. Both are measured on 32 random samples.
    Why: `binary_cross_entropy` takes the logarithm of what it gets and raises outside of [0, 1];
        `nll_loss` only picks a number, so without log_softmax it rewards large outputs, not
        right ones.
    Instead: keep the logits and use `F.binary_cross_entropy_with_logits`, or `F.cross_entropy`.
    Example:
        loss = F.binary_cross_entropy(self.fc(x), target)
        loss = F.binary_cross_entropy_with_logits(self.fc(x), target)
    """

    code = "NN303"
    name = "loss-domain"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.FORWARD, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.loss not in ("binary_cross_entropy", "nll_loss"):
            return
        output = evidence.probes.run(SAMPLES).output
        if output is None or not output.is_floating_point() or not output.numel():
            return
        seen, instead = _seen(output.double(), evidence.loss)
        if seen:
            last = ending(evidence.trace)
            yield self.finding(
                f"{seen}, and F.{evidence.loss} takes "
                + ("numbers in [0, 1]." if "binary" in evidence.loss else "log-probabilities."),
                why="The loss raises, or rewards something other than a right answer.",
                change=f"loss = F.{instead}(output, target)",
                at=evidence.at(last) if last is not None else NOWHERE,
            )


def _seen(output: torch.Tensor, loss: str) -> tuple[str, str]:
    """What was measured, and the loss that fits it; "" where the output fits."""
    low, high = float(output.min()), float(output.max())
    if loss == "binary_cross_entropy":
        is_outside = low < -TOLERANCE or high > 1 + TOLERANCE
        seen = f"The outputs of {SAMPLES} random samples are {low:.3g} to {high:.3g}"
        return (seen if is_outside else "", "binary_cross_entropy_with_logits")
    classes = 1 if output.dim() > 1 else 0
    total = output.logsumexp(classes).exp()
    is_off = not bool(((total - 1).abs() < TOLERANCE).all())
    seen = f"exp(output) adds up to {float(total.min()):.3g} to {float(total.max()):.3g}, not to 1"
    return (seen if is_off else "", "cross_entropy")
