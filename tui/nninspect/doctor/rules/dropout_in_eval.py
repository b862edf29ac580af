"""NN405: a functional dropout that stays on in eval mode."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.arguments import dropout_p
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import nodes_in
from nninspect.doctor.step import Step
from nninspect.doctor.telling import by_owner, listed, paths
from nninspect.protocol.findings import Finding, Severity

_NAMES = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d"})


class DropoutInEval(Rule):
    """A functional dropout stays on in eval mode.

    What it flags: `F.dropout(x, p)` without `training=`, run in eval mode. A `training=True` that
        is written out (Monte Carlo dropout) is left alone.
    Why: its default is `training=True`, and `model.eval()` can't reach it: answers are random,
        and worse than they should be.
    Instead: pass `training=self.training`, or make it an `nn.Dropout`.
    Example:
        x = F.dropout(x, 0.5)
        x = F.dropout(x, 0.5, training=self.training)
    """

    code = "NN405"
    name = "dropout-in-eval"
    severity = Severity.ERROR
    needs = frozenset({Need.TRACE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        if evidence.setup.training:
            return
        found = [step for step in evidence.trace.steps if is_left_on(evidence, step)]
        for steps in by_owner(evidence, found):
            yield self.finding(
                f"{listed(steps)}, p = {dropout_p(steps[0]):g}, was on in eval mode.",
                why="F.dropout has training=True unless told otherwise, and model.eval() can't"
                " reach it.",
                change=f"x = F.{steps[0].name}(x, {dropout_p(steps[0]):g}, training=self.training)",
                at=evidence.at(steps[0]),
                related=paths(steps[1:]),
            )


def is_left_on(evidence: Evidence, step: Step) -> bool:
    """A functional dropout that works in this forward although nobody wrote that it should."""
    if step.module is not None or step.name not in _NAMES or dropout_p(step) <= 0:
        return False
    return bool(step.option("training", step.option("2", False))) and not _is_written(
        evidence, step
    )


def _is_written(evidence: Evidence, step: Step) -> bool:
    """The call on its line says whether it trains."""
    file = evidence.source.file(step.notes.file) if step.notes.file else None
    if file is None:
        return False
    for node in nodes_in(file.tree):
        if isinstance(node, ast.Call) and _is_at(node, step.notes.line):
            name = ast.unparse(node.func).rpartition(".")[2]
            said = len(node.args) >= 3 or any(k.arg in ("training", None) for k in node.keywords)
            if name == step.name and said:
                return True
    return False


def _is_at(node: ast.Call, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)
