"""NN306: an output that no gradient can come through."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.endings import ending
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_NAMES = """
    argmax argmin argsort round floor ceil sign sgn trunc heaviside bucketize gt lt ge le eq ne
    greater less long int bool
"""
_STEPS = frozenset(_NAMES.split())


class UntrainableOutput(Rule):
    """The output is a choice, not a number that could be a little better.

    What it flags: with a loss known, an output of integers or booleans, or one that comes
        straight out of an argmax, a rounding or a comparison.
    Why: a small change of a weight does not change it, so its gradient is 0 or there is none:
        nothing can be learnt through it.
    Instead: return the logits; choose where you predict.
    Example:
        return self.fc(x).argmax(dim=-1)
        return self.fc(x)
    """

    code = "NN306"
    name = "untrainable-output"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        output, last = evidence.trace.output, ending(evidence.trace)
        returned = evidence.trace.returned
        if output is None or last is None or returned is None:
            return
        dtype = returned.dtype
        is_whole = dtype.startswith(("int", "uint", "bool"))
        if is_whole or last.name in _STEPS:
            yield self.finding(
                f"forward returns {dtype} from {last.called}, and the loss is F.{evidence.loss}.",
                why="A small change of a weight does not change a choice, so nothing can be"
                " learnt through it.",
                change="return logits  # and logits.argmax(dim=-1) in predict",
                at=evidence.at(last),
            )
