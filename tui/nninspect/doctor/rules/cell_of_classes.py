"""NN110: several classes in one notebook cell."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Rule
from nninspect.protocol.findings import Finding, Severity


class CellOfClasses(Rule):
    """Several classes stand in one cell of a notebook.

    What it flags: a code cell that defines two and more classes. The notebook is read, never
        run; beside a model's file, the one of the same name is read as well.
    Why: a cell is what a notebook runs again. After an edit of one class the others are made
        anew too, and models built before are no instances of them any more.
    Instead: write one class a cell, or move them to a .py file.
    Example:
        class Block(nn.Module): ...
        class Net(nn.Module): ...  # in the same cell
    """

    code = "NN110"
    name = "cell-of-classes"
    severity = Severity.INFO

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for number, cell in evidence.notebook.cells if evidence.notebook else ():
            classes = [node for node in cell.tree.body if isinstance(node, ast.ClassDef)]
            if len(classes) > 1:
                names = ", ".join(node.name for node in classes)
                yield self.finding(
                    f"Code cell {number} defines {len(classes)} classes: {names}.",
                    why="Running the cell again makes all of them anew, and models built before"
                    " are no instances of them any more.",
                    change=f"Move {', '.join(n.name for n in classes[1:])} to a cell of its own.",
                    at=Place("", cell.path, classes[1].lineno),
                )
