"""NN307: dropout on the output."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.arguments import dropout_p
from nninspect.doctor.endings import ending, name_said
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class OutputDropout(Rule):
    """Dropout on the output takes answers away at random.

    What it flags: a model that ends in a dropout of p above 0, where the loss is known.
    Why: in training a part of the outputs is 0 whatever the network says and the others are
        scaled up, so the loss sees answers that the network did not give.
    Instead: put the dropout before the last layer.
    Example:
        return self.dropout(self.fc2(x))
        return self.fc2(self.dropout(x))
    """

    code = "NN307"
    name = "output-dropout"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.LOSS})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        last = ending(evidence.trace)
        if last is None or last.role is not Role.DROPOUT or dropout_p(last) <= 0:
            return
        yield self.finding(
            f"forward ends in {name_said(last)}: in training {dropout_p(last):.0%} of the outputs"
            " are 0.",
            why="The loss then sees answers that the network did not give.",
            change="return self.output(self.dropout(x))  # before the last layer",
            at=evidence.at(last),
        )
