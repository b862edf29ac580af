"""NN506: a model whose every parameter is frozen."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import NOWHERE, Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import nodes_in
from nninspect.protocol.findings import Finding, Severity


class AllFrozen(Rule):
    """Every parameter of the model is frozen.

    What it flags: a model that has parameters of which none wants a gradient. Freezing a part,
        as a backbone below a new head, is left alone, and so are weights that are no floating
        numbers, which can't be trained anyway.
    Why: training changes nothing, and `loss.backward()` raises.
    Instead: leave the part to be trained free: `requires_grad_(True)`; add the head after
        freezing, not before.
    Example:
        for parameter in model.parameters():
            parameter.requires_grad = False  # the new head as well
        for parameter in model.backbone.parameters():
            parameter.requires_grad = False
    """

    code = "NN506"
    name = "all-frozen"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        parameters = list(evidence.structure.parameters.values())
        floating = [p for p in parameters if p.is_floating_point() or p.is_complex()]
        if not floating or any(parameter.requires_grad for parameter in floating):
            return
        yield self.finding(
            f"All {len(floating)} parameters are frozen: requires_grad is False for each.",
            why="Training changes nothing, and loss.backward() raises.",
            change="for parameter in self.head.parameters():\n    parameter.requires_grad_(True)",
            at=_frozen_at(evidence),
        )


def _frozen_at(evidence: Evidence) -> Place:
    """The first line of the user's classes that freezes; none where it is done elsewhere."""
    for written in evidence.source_classes():
        for node in nodes_in(written.node):
            if _freezes(node):
                return Place("", written.file.path, getattr(node, "lineno", 0))
    return NOWHERE


def _freezes(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        targets = (target for target in node.targets if isinstance(target, ast.Attribute))
        return node.value.value is False and any(t.attr == "requires_grad" for t in targets)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    given = [each.value for each in node.args if isinstance(each, ast.Constant)]
    return node.func.attr == "requires_grad_" and given == [False]
