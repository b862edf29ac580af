"""NN902: an op in place that the backward can't do without."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.backward import Blame
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import NOWHERE
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.nan_gradients import blamed_line
from nninspect.protocol.findings import Finding, Severity

_OVERWRITTEN = "modified by an inplace operation"
_OF_A_LEAF = ("leaf Variable", "leaf variable")


class InplaceBreaksBackward(Rule):
    """A value that the backward needs is overwritten in place, so training fails.

    What it flags: a forward that runs without gradients and fails with them, in train mode (in
        eval mode where that fails anyway), because a tensor that was kept for the backward has
        been changed (`x += y`, `x[0] = 0`, `relu_`), or because a parameter itself is changed.
    Why: `sigmoid`, `tanh`, `exp` and `relu` keep their output, products keep both factors. After
        `y += 1` the kept value is wrong; autograd notices, and `loss.backward()` raises.
    Instead: make a new tensor: `y = y + 1`; clone before writing into a part of it.
    Example:
        y = torch.sigmoid(x); y *= 2
        y = torch.sigmoid(x); y = y * 2
    """

    code = "NN902"
    name = "inplace-breaks-backward"
    severity = Severity.ERROR
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        training, gradients = evidence.probes.backward()
        error = gradients.error
        message = str(error) if isinstance(error, RuntimeError) else ""
        if _OVERWRITTEN in message:
            blamed = evidence.probes.blame(training=training)
            yield self._finding(evidence, blamed, _seen(blamed))
        elif any(text in message for text in _OF_A_LEAF) and "in-place" in message:
            frames = [(file.path, line) for file, line, _ in evidence.source.frames(error)]
            blamed = Blame("", tuple(reversed(frames)))
            yield self._finding(evidence, blamed, "A parameter is changed in place.")

    def _finding(self, evidence: Evidence, blamed: Blame | None, seen: str) -> Finding:
        return self.finding(
            seen,
            why="The backward needs the value as it was, so loss.backward() raises.",
            change="Make a new tensor: x = x + y for x += y, x * y for x *= y, F.relu(x) for"
            " F.relu(x, inplace=True); x.clone() before x[...] = y.",
            at=blamed_line(evidence, blamed, NOWHERE),
        )


def _seen(blamed: Blame | None) -> str:
    if blamed is None or not blamed.function:
        return "A tensor that was kept for the backward is overwritten in place."
    return (
        f"What {blamed.function} has kept for its backward is overwritten in place after the call."
    )
