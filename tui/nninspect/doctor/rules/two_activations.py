"""NN205: two activations in a row."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import softmax_dim
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.step import Step
from nninspect.doctor.telling import paths
from nninspect.doctor.trace import Trace
from nninspect.protocol.findings import Finding, Severity

_GATING = frozenset({Role.PRODUCT, Role.SUM})


class TwoActivations(Rule):
    """Two activations follow each other with nothing learnt between them.

    What it flags: an activation whose only input is another activation, and a softmax of a
        softmax over the same dimension (an error). It looks through reshaping, chunks, slices
        and dropout, and leaves alone what goes into a product or a sum, as parts of a formula.
    Why: the second sees only what the first let through: a sigmoid of a ReLU is never below
        0.5, a softmax of a softmax is nearly uniform.
    Instead: keep one of them.
    Example:
        x = torch.sigmoid(F.relu(self.fc(x)))
        x = torch.sigmoid(self.fc(x))
    """

    code = "NN205"
    name = "two-activations"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        trace = evidence.trace
        pairs: dict[tuple[str, str], list[tuple[Step, Step]]] = {}
        for second in trace.of(Role.ACTIVATION, Role.SOFTMAX):
            first = trace.only_before(second)
            if first is not None and _is_pair(trace, first, second):
                pairs.setdefault((first.name, second.name), []).append((first, second))
        for (first, second), *others in pairs.values():
            is_softmax = second.role is Role.SOFTMAX
            more = f" So it is in {len(others)} more places." if others else ""
            yield self.finding(
                f"{first.called} is followed by {second.called}, and nothing learnt is between."
                f"{more}",
                why="The outer softmax of numbers in [0, 1] is nearly uniform."
                if is_softmax
                else "The second sees only what the first let through.",
                change=f"x = {_call(first if is_softmax else second)}  # one of the two",
                at=evidence.at(second),
                severity=Severity.ERROR if is_softmax else None,
                related=(first.path, *paths(step for _, step in others)),
            )


def _is_pair(trace: Trace, first: Step, second: Step) -> bool:
    if second.role is Role.SOFTMAX:
        if first.role is not Role.SOFTMAX or first.name == "log_softmax":
            return False
        return softmax_dim(first) == softmax_dim(second) and first.shape == second.given_shape
    if first.role is not Role.ACTIVATION or "glu" in (first.name, second.name):
        return False
    return not any(step.role in _GATING for step in (*trace.after(first), *trace.after(second)))


def _call(step: Step) -> str:
    dim = ", dim=-1" if step.role is Role.SOFTMAX else ""
    return f"F.{step.name}(x{dim})"
