"""NN105: a layer that __init__ makes and does not keep."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nninspect.doctor.causes import FailureRule, missing_attribute
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.imports import layer_kind, module_classes
from nninspect.doctor.source import SourceClass, is_self, nodes_in
from nninspect.doctor.written import line_of, path_of, written_classes
from nninspect.protocol.findings import Finding, Severity

WHY = "It is gone when __init__ returns: the model has no such layer and no such parameters."


class LocalLayer(FailureRule):
    """A layer that `__init__` makes in a local variable, and drops.

    What it flags: in `__init__`, a layer that is assigned to a plain name which is not used
        again, or to nothing at all; and one that a loop assigns to the same `self.name` in each
        of its rounds, so that only the last is kept. Where the forward fails for want of it, an
        error. A name that is used, as in `layers.append(fc)` or `self.fc = fc`, and names that
        begin with an underscore are left alone.
    Why: only what is assigned to `self` becomes part of the model.
    Instead: assign it to `self`.
    Example:
        fc = nn.Linear(784, 10)
        self.fc = nn.Linear(784, 10)
    """

    code = "NN105"
    name = "local-layer"
    severity = Severity.WARNING

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        raised = list(super().check(evidence))
        yield from raised
        lines = {(finding.file, finding.line) for finding in raised}
        for written in written_classes(evidence):
            for name, node in _dropped(written):
                if (written.file.path, node.lineno) not in lines:
                    yield self._finding(evidence, written, name, node, self.severity)
            for node in _overwritten(written):
                yield self._in_a_loop(evidence, written, node)

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        missing = missing_attribute(failure)
        for written in written_classes(evidence) if missing else ():
            for name, node in _dropped(written):
                if (written.name, name) == missing:
                    return self._finding(evidence, written, name, node, Severity.ERROR)
        return None

    def _in_a_loop(self, evidence: Evidence, written: SourceClass, node: ast.Assign) -> Finding:
        name = ast.unparse(node.targets[0])
        return self.finding(
            f"{written.name}.__init__ sets {name} in each round of a loop, and keeps the last.",
            why="The layers of the other rounds are gone: the model has one of them.",
            change=f"{name}s = nn.ModuleList()  # before the loop\n"
            f"{name}s.append({ast.unparse(node.value)})",
            at=line_of(written, node, path_of(evidence, written)),
        )

    def _finding(
        self,
        evidence: Evidence,
        written: SourceClass,
        name: str,
        node: ast.stmt,
        severity: Severity,
    ) -> Finding:
        value = ast.unparse(node.value) if isinstance(node, (ast.Assign, ast.Expr)) else ""
        kept = f"in the local variable {name}, which is not used again" if name else "and not kept"
        return self.finding(
            f"{written.name}.__init__ makes {value} {kept}.",
            why=WHY,
            change=f"self.{name or 'layer'} = {value}",
            at=line_of(written, node, path_of(evidence, written)),
            severity=severity,
        )


def _dropped(written: SourceClass) -> Iterator[tuple[str, ast.stmt]]:
    """Layers made in `__init__`, the names they have there, which nothing reads."""
    init = written.method("__init__")
    if init is None:
        return
    own = {node.name for node in module_classes(written.file)}
    read = {
        node.id
        for node in nodes_in(init)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)
    }
    for node in nodes_in(init):
        if isinstance(node, ast.Expr) and _is_layer(written, node.value, own):
            yield "", node
        elif isinstance(node, ast.Assign) and _is_layer(written, node.value, own):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if len(names) == len(node.targets) and not read.intersection(names):
                yield from ((name, node) for name in names[:1] if not name.startswith("_"))


def _overwritten(written: SourceClass) -> Iterator[ast.Assign]:
    """Layers set as the same attribute in each round of a loop in `__init__`, which does nothing
    else with it."""
    init = written.method("__init__")
    own = {node.name for node in module_classes(written.file)}
    for loop in nodes_in(init) if init is not None else ():
        if not isinstance(loop, ast.For):
            continue
        for node in loop.body:
            if not isinstance(node, ast.Assign) or not _is_layer(written, node.value, own):
                continue
            (target, *others) = node.targets
            if others or not is_self(target):
                continue
            uses = [each for each in nodes_in(loop) if is_self(each, target.attr)]
            if len(uses) == 1:
                yield node


def _is_layer(written: SourceClass, value: ast.expr, own: set[str]) -> bool:
    if not isinstance(value, ast.Call):
        return False
    is_own = isinstance(value.func, ast.Name) and value.func.id in own
    return is_own or layer_kind(written.file, value.func) is not None
