"""NN901: a detach that leaves parameters without a gradient."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.cuts import cuts
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.reached import unreached
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class CutGradient(Rule):
    """A `.detach()`, `.data` or a choice in the forward keeps the gradient from what is before it.

    What it flags: `.detach()`, `.data`, `torch.tensor(x)`, `torch.no_grad()`, an argmax or a
        comparison in your own forward, where parameters get no gradient at all and what they
        compute goes through the cut. An info where nothing is left to train, which is NN903's,
        and where the input was guessed. Where the gradient has another way to them (a
        straight-through estimator, a stop-gradient on one of two views), and where they are
        frozen, it is left alone.
    Why: everything before the cut keeps its weights as they were initialised.
    Instead: leave the cut out; freeze with `requires_grad_(False)` what is not to be trained,
        so that the optimizer and the reader know.
    Example:
        x = self.encoder(x).detach()
        x = self.encoder(x)
    """

    code = "NN901"
    name = "cut-gradient"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        gradients = evidence.probes.gradients(training=True)
        if gradients.error is not None:
            return
        names = unreached(evidence)
        if not gradients.has_path:
            names = [n for n, p in evidence.structure.parameters.items() if p.requires_grad]
        is_info = evidence.inputs_were_guessed or not gradients.has_path
        for cut in cuts(evidence, names):
            more = f" and {len(cut.names) - 1} more parameters" if len(cut.names) > 1 else ""
            yield self.finding(
                f"{cut.what} cuts the gradient; {cut.names[0]}{more} before it get none.",
                why="What stands before the cut keeps the weights that it was initialised with.",
                change=cut.change,
                at=cut.at,
                severity=Severity.INFO if is_info else None,
            )
