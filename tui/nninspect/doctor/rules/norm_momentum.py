"""NN409: a batch norm that forgets all but the latest batch."""

from __future__ import annotations

from collections.abc import Iterator

from torch.nn.modules.batchnorm import _BatchNorm

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
        found: dict[tuple[str, float], list[str]] = {}
        for path, module in evidence.structure.modules():
            momentum = (module.momentum or 0.0) if isinstance(module, _BatchNorm) else 0.0
            if momentum >= HIGH and evidence.is_own(evidence.at_path(path)):
                found.setdefault((type(module).__name__, momentum), []).append(path)
        for (kind, momentum), paths in found.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            features = getattr(evidence.structure.by_path[paths[0]], "num_features", "...")
            yield self.finding(
                f"{paths[0] or kind}{more} {'have' if more else 'has'} momentum={momentum:g}: the"
                f" running statistics are {momentum:.0%} the latest batch.",
                why="In torch momentum is the weight of the new batch, elsewhere that of the old"
                " average.",
                change=f"nn.{kind}({features}, momentum={round(max(1 - momentum, 0.01), 4):g})",
                at=evidence.at_path(paths[0]),
                related=tuple(paths[1:]),
            )
