"""NN103: a constructor under a misspelt name."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from nninspect.doctor.causes import FailureRule, missing_attribute
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.source import SourceClass, is_self, nodes_in
from nninspect.doctor.written import (
    calls_super_init,
    functions,
    line_of,
    path_of,
    written_classes,
)
from nninspect.protocol.findings import Finding, Severity

ALIKE = 0.75
"""How much a name must be like "init", from 0 to 1."""


class MisspeltInit(FailureRule):
    """A constructor that is not called `__init__`, so it never runs.

    What it flags: a method of a module named much like `__init__` (`__int__`, `_init_`, `init`)
        that calls `super().__init__()` or, with underscores around its name, sets attributes,
        in a class that has no `__init__` of its own.
    Why: Python calls `__init__` and nothing else, so the layers in it are never made.
    Instead: name it `__init__`, with two underscores on either side.
    Example:
        def __int__(self): ...
        def __init__(self): ...
    """

    code = "NN103"
    name = "misspelt-init"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for written in written_classes(evidence):
            for function in _meant_as_init(written):
                yield self._finding(evidence, written, function)

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        """What such a class lacks, its constructor would have made."""
        kind, _ = missing_attribute(failure)
        for written in written_classes(evidence):
            for function in _meant_as_init(written):
                if written.name == kind:
                    return self._finding(evidence, written, function)
        return None

    def _finding(
        self,
        evidence: Evidence,
        written: SourceClass,
        function: ast.FunctionDef | ast.AsyncFunctionDef,
    ) -> Finding:
        return self.finding(
            f"{written.name} has a method {function.name} and no __init__.",
            why="Python calls __init__ and nothing else, so what this method makes is never made.",
            change=f"def __init__({ast.unparse(function.args)}):",
            at=line_of(written, function, path_of(evidence, written)),
        )


def _meant_as_init(written: SourceClass) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    if written.method("__init__") is not None:
        return
    for function in functions(written):
        plain = function.name.strip("_").lower()
        if difflib.SequenceMatcher(None, plain, "init").ratio() < ALIKE:
            continue
        is_underscored = function.name.startswith("_") and function.name.endswith("_")
        if calls_super_init(function) or (is_underscored and _sets_something(function)):
            yield function


def _sets_something(function: ast.AST) -> bool:
    return any(
        is_self(target)
        for node in nodes_in(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
    )
