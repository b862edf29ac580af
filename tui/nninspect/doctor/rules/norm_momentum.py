"""NN409: a batch norm that forgets all but the latest batch."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

HIGH = 0.9


class NormMomentum(Rule):
    """A batch norm's momentum makes it forget all but the latest batch.

    What it flags: a momentum of 0.9 and more, in the user's own code. Converted weights have it,
        so a library's layer is left alone.
    Why: in torch momentum is the weight of the new batch; elsewhere (Keras, papers) it is that
        of the old average. With 0.9 the statistics for eval mode are those of the last batch.
    Instead: 1 minus it: 0.1 for what is 0.9 elsewhere.
    Example:
        nn.BatchNorm2d(16, momentum=0.99)
        nn.BatchNorm2d(16, momentum=0.01)
    """

    code = "NN409"
    name = "norm-momentum"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for path, module in evidence.structure.modules():
            if not isinstance(module, nn.modules.batchnorm._BatchNorm):
                continue
            place = evidence.at_path(path)
            if (module.momentum or 0.0) >= HIGH and evidence.is_own(place):
                kind, momentum = type(module).__name__, float(module.momentum or 0.0)
                yield self.finding(
                    f"{path or kind} has momentum={momentum:g}: the running statistics are"
                    f" {momentum:.0%} the latest batch.",
                    why="In torch momentum is the weight of the new batch, elsewhere that of the"
                    " old average.",
                    change=f"nn.{kind}({module.num_features},"
                    f" momentum={round(max(1 - momentum, 0.01), 4):g})",
                    at=place,
                )
