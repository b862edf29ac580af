"""NN906: losses that are summed up together with their graphs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.doctor.source import nodes_in
from nninspect.doctor.training_calls import calls_of, loops, owner
from nninspect.protocol.findings import Finding, Severity


class SummedLosses(Rule):
    """The sum of the losses, kept for a print, keeps the graph of every batch.

    What it flags: in a training loop of the target's file, or of the one that `--loss` names,
        `total += loss` or `losses.append(loss)` of the very tensor that goes backward, where the
        sum does not.
    Why: each loss holds the graph that it came of, so memory grows with every batch.
    Instead: `total += loss.item()`; on a GPU `loss.detach()`, which does not wait.
    Example:
        running += loss
        running += loss.item()
    """

    code = "NN906"
    name = "summed-losses"
    severity = Severity.WARNING

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for file in evidence.training_code:
            for loop in loops(file):
                losses = {owner(call) for call in calls_of(loop, "backward")}
                for node, loss in _summed(loop, losses):
                    yield self.finding(
                        f"{ast.unparse(node)} keeps {loss} with the graph that it came of.",
                        why="Memory grows with every batch.",
                        change=_change(node, loss),
                        at=Place("", file.path, node.lineno),
                    )


def _summed(loop: ast.AST, losses: set[str]) -> Iterator[tuple[ast.AugAssign | ast.Call, str]]:
    for node in nodes_in(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            kept, into = ast.unparse(node.value), ast.unparse(node.target)
            if kept in losses and into not in losses:
                yield node, kept
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            kept = ast.unparse(node.args[0]) if len(node.args) == 1 else ""
            if node.func.attr == "append" and kept in losses:
                yield node, kept


def _change(node: ast.AugAssign | ast.Call, loss: str) -> str:
    if isinstance(node, ast.AugAssign):
        return f"{ast.unparse(node.target)} += {loss}.item()"
    return f"{ast.unparse(node.func)}({loss}.item())"
