"""What to change as code: the user's own statement with the change made in it."""

from __future__ import annotations

import ast
import copy

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import dotted
from nninspect.doctor.place import Place
from nninspect.doctor.source import SourceFile, is_self, nodes_in
from nninspect.doctor.step import Step

_SIMPLE = (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)


def without(evidence: Evidence, step: Step) -> str:
    """The statement that calls a step, with what the step was given in its place; "" where the
    call is not written there by its name."""
    file, statement = statement_at(evidence, step.at)
    if file is None or statement is None:
        return ""
    name = step.name if step.module is None else step.path.rpartition(".")[2]
    changed = _Without(file, name).visit(copy.deepcopy(statement))
    text = ast.unparse(changed)
    return "" if text == ast.unparse(statement) else text


def with_argument(evidence: Evidence, place: Place, argument: str) -> str:
    """The statement that makes a layer, with one more argument; "" where it makes none."""
    _, statement = statement_at(evidence, place)
    nodes = nodes_in(statement) if statement else ()
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if statement is None or len(calls) != 1:
        return ""
    changed = copy.deepcopy(statement)
    (call,) = (node for node in ast.walk(changed) if isinstance(node, ast.Call))
    name, _, value = argument.partition("=")
    call.keywords = [each for each in call.keywords if each.arg != name]
    call.keywords.append(ast.keyword(name, ast.parse(value, mode="eval").body))
    return ast.unparse(changed)


def wrapped(evidence: Evidence, place: Place, wrapper: str) -> str:
    """The statement that sets an attribute, its value given to a wrapper; "" where none is."""
    _, statement = statement_at(evidence, place)
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return ""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    value = statement.value
    is_empty = isinstance(value, (ast.List, ast.Tuple)) and not value.elts
    return f"{ast.unparse(target)} = {wrapper}({'' if is_empty else ast.unparse(value)})"


def statement_at(evidence: Evidence, place: Place) -> tuple[SourceFile | None, ast.stmt | None]:
    """The innermost simple statement at a line."""
    file = evidence.source.file(place.file) if place.file else None
    if file is None:
        return None, None
    found = [
        node
        for node in nodes_in(file.tree)
        if isinstance(node, _SIMPLE) and node.lineno <= place.line <= (node.end_lineno or 0)
    ]
    return file, max(found, key=lambda node: node.lineno, default=None)


class _Without(ast.NodeTransformer):
    """Puts the argument of a call, or what its method is of, in the place of the call."""

    def __init__(self, file: SourceFile, name: str) -> None:
        self._file = file
        self._name = name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Name):
            return node.args[0] if function.id == self._name and node.args else node
        if not isinstance(function, ast.Attribute) or function.attr != self._name:
            return node
        if is_self(function) or dotted(self._file, function).startswith("torch."):
            return node.args[0] if node.args else node
        return function.value
