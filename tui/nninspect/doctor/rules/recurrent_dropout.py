"""NN408: dropout between the layers of a recurrent network that has one."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class RecurrentDropout(Rule):
    """Dropout between the layers of a recurrent network that has only one.

    What it flags: `nn.RNN`, `nn.LSTM` or `nn.GRU` with `dropout` above 0 and `num_layers=1`.
    Why: it acts between stacked layers, never behind the last one, so with one layer it does
        nothing.
    Instead: put an `nn.Dropout` behind it, or stack two layers.
    Example:
        nn.LSTM(64, 64, num_layers=1, dropout=0.5)
        nn.LSTM(64, 64, num_layers=2, dropout=0.5)
    """

    code = "NN408"
    name = "recurrent-dropout"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for path, module in evidence.structure.modules():
            if isinstance(module, nn.RNNBase) and module.dropout > 0 and module.num_layers == 1:
                kind = type(module).__name__
                yield self.finding(
                    f"{path or kind} has dropout={module.dropout:g} and one layer.",
                    why="The dropout acts between stacked layers only, so here it does nothing.",
                    change=f"x = self.dropout(x)  # an nn.Dropout({module.dropout:g}) behind it",
                    at=evidence.at_path(path),
                )
