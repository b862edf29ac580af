"""Training code in the file that a target names: its loops, and what it takes for the loss.

By names and syntax alone: nothing of it is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nninspect.doctor.imports import dotted, module_classes
from nninspect.doctor.source import SourceFile, nodes_in
from nninspect.protocol.findings import loss_named

_MODELS = ("model", "net", "network")
_LOOPS = (ast.For, ast.While, ast.AsyncFor)


class LossCall(NamedTuple):
    """One use of a loss."""

    node: ast.Call
    loss: str
    """Its name in `torch.nn.functional`."""
    output: ast.expr
    """What it is given for the model's answer."""


def code_of(file: SourceFile) -> list[ast.AST]:
    """Every node of a file outside of its module classes."""
    inside = {id(part) for kind in module_classes(file) for part in nodes_in(kind)}
    return [node for node in nodes_in(file.tree) if id(node) not in inside]


def loss_calls(file: SourceFile) -> Iterator[LossCall]:
    """Each use of a loss that is known by its name, or by what the name was set to."""
    code = code_of(file)
    named = {
        target.id: loss
        for node in code
        if isinstance(node, ast.Assign) and (loss := _loss_made(file, node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in code:
        if isinstance(node, ast.Call) and node.args:
            function = node.func
            loss = named.get(function.id, "") if isinstance(function, ast.Name) else ""
            loss = loss or _loss_made(file, function) or _functional(file, function)
            if loss:
                yield LossCall(node, loss, _resolved(code, node.args[0]))


def loss_of_model(file: SourceFile, name: str) -> tuple[str, str]:
    """The one loss that the outputs of the model of that name are given to, and the place, as
    "train.py:5"; "" for both where none is, or several are."""
    code = code_of(file)
    models = {*_MODELS, *_set_to_calls(code, {name})}
    found = {
        call.loss: call.node.lineno
        for call in loss_calls(file)
        if name and _is_output(call.output, models)
    }
    if len(found) != 1:
        return "", ""
    ((loss, line),) = found.items()
    return loss, f"{Path(file.path).name}:{line}"


def loops(file: SourceFile) -> Iterator[ast.AST]:
    """The innermost loops that go backward."""
    for node in code_of(file):
        if isinstance(node, _LOOPS) and goes_backward(node):
            inner = (part for part in nodes_in(node) if part is not node)
            if not any(isinstance(part, _LOOPS) and goes_backward(part) for part in inner):
                yield node


def goes_backward(node: ast.AST) -> bool:
    """Whether something in it is `x.backward(...)`."""
    return any(True for _ in calls_of(node, "backward"))


def calls_of(node: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Each `x.name(...)` in it, in the order of the lines."""
    found = (
        each
        for each in nodes_in(node)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in names
    )
    return iter(sorted(found, key=lambda call: (call.lineno, call.col_offset)))


def owner(call: ast.Call) -> str:
    """The x of `x.name(...)`."""
    assert isinstance(call.func, ast.Attribute)
    return ast.unparse(call.func.value)


def is_optimizer(name: str) -> bool:
    """By how people call it."""
    return "opt" in name.lower() and "sched" not in name.lower()


def _loss_made(file: SourceFile, node: ast.AST) -> str:
    """Of `nn.MSELoss()`, wherever it is moved."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr not in ("to", "cuda"):
            break
        node = node.func.value
    name = dotted(file, node.func) if isinstance(node, ast.Call) else ""
    is_loss = name.startswith("torch.nn.") and name.endswith("Loss")
    return (loss_named(name) or "") if is_loss else ""


def _functional(file: SourceFile, node: ast.AST) -> str:
    name = dotted(file, node)
    return (loss_named(name) or "") if name.startswith("torch.nn.functional.") else ""


def _resolved(code: list[ast.AST], node: ast.expr) -> ast.expr:
    """What a name was set to, where that is one thing throughout; else the expression itself."""
    if not isinstance(node, ast.Name):
        return node
    values = [
        each.value
        for each in code
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name) and target.id == node.id
    ]
    return values[0] if len(values) == 1 else node


def _set_to_calls(code: list[ast.AST], names: set[str]) -> Iterator[str]:
    """The variables that are set to what a call of one of these names gives, moved or not."""
    for node in code:
        if isinstance(node, ast.Assign) and any(
            isinstance(part, ast.Call) and ast.unparse(part.func).rpartition(".")[2] in names
            for part in nodes_in(node.value)
        ):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_output(node: ast.expr, models: set[str]) -> bool:
    """A call of the model, or of a method of what that gives."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return isinstance(node, ast.Call) and ast.unparse(node.func) in models
