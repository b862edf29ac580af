"""NN104: a module without a forward, or with one under another name."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from torch import nn

from nninspect.doctor.causes import FailureRule, place_of
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.place import Place
from nninspect.doctor.source import SourceClass, nodes_in
from nninspect.doctor.written import functions, line_of
from nninspect.engine.structure import has_forward
from nninspect.protocol.findings import Finding, Severity
from nninspect.text.suggest import nearest

_OTHERS = ("call", "forward_pass", "__forward__", "apply", "predict", "run")
"""What other libraries, and other habits, call it."""


class NoForward(FailureRule):
    """A module that is called has no `forward`.

    What it flags: a model, or a module that its forward calls, whose class defines no `forward`:
        it is misspelt, named as another library does, or indented into another method. A
        ModuleList or ModuleDict that is called is flagged as well.
    Why: calling a module calls its `forward`; without one it raises NotImplementedError.
    Instead: name the method `forward`, at the indentation of `__init__`.
    Example:
        def foward(self, x): ...
        def forward(self, x): ...
    """

    code = "NN104"
    name = "no-forward"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        root = evidence.built.model if evidence.built is not None else None
        if root is not None and _lacks_forward(root):
            yield self._finding(evidence, root, Place())
        else:
            yield from super().check(evidence)

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        if failure is not evidence.forward_failure or evidence.built is None:
            return None
        module = evidence.built.by_path.get(failure.problem.where)
        if not isinstance(failure.error, NotImplementedError) or module is None:
            return None
        if not _lacks_forward(module):
            return None
        return self._finding(evidence, module, place_of(evidence, failure))

    def _finding(self, evidence: Evidence, module: nn.Module, at: Place) -> Finding:
        kind = type(module)
        written = evidence.source.of_class(kind)
        meant = _meant(written) if written is not None else None
        if written is not None:
            at = line_of(written, meant or written.node, at.path)
        return self.finding(
            f"{kind.__name__} has no forward{_instead(written, meant)}.",
            why="Calling a module calls its forward; without one it raises NotImplementedError.",
            change=_change(module, meant),
            at=at,
        )


def _lacks_forward(module: nn.Module) -> bool:
    calls = inspect.getattr_static(type(module), "__call__", None)
    return not has_forward(module) and calls is inspect.getattr_static(nn.Module, "__call__")


def _meant(written: SourceClass) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The method that was to be forward: of a near name, or inside of another one."""
    methods = {function.name: function for function in functions(written)}
    near = nearest("forward", [name for name in methods if not name.startswith("__init")], 0.7)
    for name in (near, *_OTHERS):
        if name in methods:
            return methods[name]
    nested = (
        inner
        for function in methods.values()
        for inner in nodes_in(function)
        if isinstance(inner, ast.FunctionDef) and inner.name == "forward"
    )
    return next(nested, None)


def _instead(written: SourceClass | None, meant: ast.AST | None) -> str:
    name = getattr(meant, "name", "")
    if name == "forward":
        line = getattr(meant, "lineno", 0)
        return f": it stands inside another method, in line {line}, one indentation too deep"
    if written is None or not name:
        return ""
    return f"; it has {name}"


def _change(module: nn.Module, meant: ast.FunctionDef | ast.AsyncFunctionDef | None) -> str:
    if isinstance(module, nn.ModuleList):
        return "for layer in self.layers:\n    x = layer(x)"
    arguments = ast.unparse(meant.args) if meant is not None else "self, x"
    return f"def forward({arguments}):"
