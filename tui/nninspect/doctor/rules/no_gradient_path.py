"""NN903: outputs that depend on no parameter."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity


class NoGradientPath(Rule):
    """No gradient can get from any output to any parameter.

    What it flags: a model with trainable parameters whose floating outputs, in train mode and
        with gradients on, need no gradient. Outputs of whole numbers only are NN306's, and a
        model that is frozen throughout NN506's.
    Why: `loss.backward()` raises "element 0 of tensors does not require grad". A `.detach()`,
        `.data`, `torch.tensor(x)`, a way over numpy, `@torch.no_grad()` on the forward, or a
        rounding to whole numbers cuts everything off.
    Instead: take the cut out of the forward; put `torch.no_grad()` around the calls that only
        evaluate.
    Example:
        return torch.tensor(self.fc(x).tolist())
        return self.fc(x)
    """

    code = "NN903"
    name = "no-gradient-path"
    severity = Severity.ERROR
    needs = frozenset({Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if not any(p.requires_grad for p in evidence.structure.parameters.values()):
            return
        gradients = evidence.probes.gradients(training=True)
        outputs = evidence.probes.run(training=True).outputs
        is_floating = any(tensor.is_floating_point() for _, tensor in outputs)
        if gradients.error is not None or gradients.has_path or not is_floating:
            return
        count = sum(p.requires_grad for p in evidence.structure.parameters.values())
        yield self.finding(
            f"No output depends on any of the {count} trainable parameters.",
            why="loss.backward() raises: there is nothing to go back through.",
            change="Take .detach(), .data, torch.tensor(x), numpy and @torch.no_grad() out of the"
            " forward.",
            at=evidence.at_forward(),
        )
