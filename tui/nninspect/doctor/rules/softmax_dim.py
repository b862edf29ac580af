"""NN208: a softmax that is not told over which dimension."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import softmax_dim
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.protocol.findings import Finding, Severity


class SoftmaxDim(Rule):
    """A softmax without `dim` guesses its dimension.

    What it flags: `F.softmax(x)`, `F.log_softmax(x)`, `nn.Softmax()` and their like without a
        dimension.
    Why: torch then takes dimension 0 for one and three dimensions and 1 for two and four: for
        (B, T, C) that is the batch.
    Instead: say it: the classes are usually last.
    Example:
        x = F.softmax(self.fc(x))
        x = F.softmax(self.fc(x), dim=-1)
    """

    code = "NN208"
    name = "softmax-dim"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for step in evidence.trace.of(Role.SOFTMAX):
            if not _needs_dim(step) or softmax_dim(step) is not None:
                continue
            dims = len(step.given_shape)
            taken = 0 if dims in (0, 1, 3) else 1
            call = f"nn.{type(step.module).__name__}(dim=-1)" if step.module is not None else ""
            yield self.finding(
                f"{step.called} has no dim: of {step.given_shape} it takes dimension {taken}.",
                why="Which dimension is taken depends on how many there are; with three it is"
                " the first, mostly the batch.",
                change=call or f"F.{step.name}(x, dim=-1)",
                at=evidence.at(step),
            )


def _needs_dim(step: Step) -> bool:
    """Softmax2d has its own; gumbel_softmax a default."""
    return step.name in ("softmax", "log_softmax", "softmin")
