"""NN209: a softmax over the batch."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import softmax_dim
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

BATCHES = (3, 5)
"""Two sizes that hardly any dimension follows by chance."""


class SoftmaxOverBatch(Rule):
    """A softmax shares one probability out among the samples of the batch.

    What it flags: a softmax over dimension 0 where that grows with the batch. A table of samples
        against samples, as in contrastive learning, is left alone.
    Why: each sample's numbers then depend on who else is in the batch, and with a batch of 1
        they are all 1.
    Instead: take it over the classes, `dim=-1`, or over the positions, `dim=1`.
    Example:
        x = F.softmax(self.fc(x), dim=0)
        x = F.softmax(self.fc(x), dim=-1)
    """

    code = "NN209"
    name = "softmax-over-batch"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.FORWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        steps = [s for s in evidence.trace.of(Role.SOFTMAX) if _dim(softmax_dim(s), s.given_shape)]
        if not steps:
            return
        shapes = [evidence.probes.step_shapes(batch) for batch in BATCHES]
        if any(len(found) != len(evidence.trace.steps) for found in shapes):
            return
        for step in steps:
            first = [found[step.place][:1] for found in shapes]
            second = [found[step.place][1:2] for found in shapes]
            if first == [(batch,) for batch in BATCHES] and second[0] == second[1]:
                yield self.finding(
                    f"{step.called} is over dimension 0 of {step.given_shape}: the batch.",
                    why="Each sample's numbers then depend on who else is in the batch; with a"
                    " batch of 1 they are all 1.",
                    change=f"F.{step.name}(x, dim=-1)",
                    at=evidence.at(step),
                )


def _dim(dim: int | None, shape: tuple[int, ...]) -> bool:
    """Dimension 0 of several, said or taken for want of a word."""
    return len(shape) > 1 and (dim == 0 or (dim is None and len(shape) == 3))
