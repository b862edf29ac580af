"""NN204: tanh between layers."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.chains import hidden_activations
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.telling import attribute, by_owner, listed, paths
from nninspect.protocol.findings import Finding, Severity

MIN_DEPTH = 2
"""One tanh between two layers shrinks little; a row of them does what sigmoids do."""


class TanhHidden(Rule):
    """Several hidden layers are followed by tanh, which may let gradients vanish.

    What it flags: two and more tanh that get what an affine layer made and feed nothing but
        affine layers. Gates, recurrent cells and a tanh on the output are left alone.
    Why: its slope is 1 at 0, better than a sigmoid's, yet nearly 0 for larger values; deep
        networks of tanh train more slowly than those of ReLU.
    Instead: try ReLU or GELU; keep tanh where a bounded, zero-centred value is meant.
    Example:
        x = torch.tanh(self.fc2(torch.tanh(self.fc1(x))))
        x = F.relu(self.fc2(F.relu(self.fc1(x))))
    """

    code = "NN204"
    name = "tanh-hidden"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        found = list(hidden_activations(evidence.trace, frozenset({"tanh"})))
        if len(found) < MIN_DEPTH:
            return
        for steps in by_owner(evidence, found):
            yield self.finding(
                f"{len(found)} hidden activations are tanh: {listed(steps)}.",
                why="A tanh is flat away from 0, so gradients may vanish through a row of them.",
                change=f"{attribute(steps[0])} = nn.ReLU()"
                if steps[0].module is not None
                else "x = F.relu(x)",
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )
