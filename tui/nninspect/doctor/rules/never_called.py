"""NN509: a module that nothing calls."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role, name_of, role_of
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.usage import is_used
from nninspect.engine.structure import has_forward
from nninspect.protocol.findings import Finding, Severity


class NeverCalled(Rule):
    """A module of the model is never called.

    What it flags: a module that `__init__` makes and that no method of its class uses. One with
        trainable parameters is in NN508 already, wherever gradients could be probed. Losses, and
        what another method or a branch would use, are left alone.
    Why: it does nothing; a dropout or an activation that was meant to be there is missing.
    Instead: call it in forward, or remove it.
    Example:
        self.dropout = nn.Dropout(0.5)  # and forward never calls it
        x = self.dropout(x)
    """

    code = "NN509"
    name = "never-called"
    severity = Severity.INFO
    needs = frozenset({Need.TRACE, Need.SOURCE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure, called = evidence.structure, evidence.trace.called
        for path, module in structure.modules():
            parent_path, parent = structure.parent(path)
            if not path or id(module) in called or id(parent) not in called:
                continue
            if evidence.source.of_class(type(parent)) is None or not has_forward(module):
                continue
            name = path.removeprefix(f"{parent_path}.")
            if not is_used(type(parent), name) and not _is_told_elsewhere(evidence, module):
                yield self.finding(
                    f"{path} ({type(module).__name__}) is never called, and no method of"
                    f" {type(parent).__name__} uses it.",
                    why="It does nothing; what it was meant to do is missing.",
                    change=f"x = self.{name}(x)  # in forward; or remove self.{name}",
                    at=evidence.at_path(path),
                )


def _is_told_elsewhere(evidence: Evidence, module: nn.Module) -> bool:
    """It is a loss, or NN508 tells of its parameters."""
    if role_of(name_of(module)) is Role.LOSS or type(module).__name__.endswith("Loss"):
        return True
    is_trained = any(parameter.requires_grad for parameter in module.parameters())
    return is_trained and not evidence.missing(Need.BACKWARD)
