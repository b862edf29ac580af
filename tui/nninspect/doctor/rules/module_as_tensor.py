"""NN107: a module, or its class, where a tensor or an instance belongs."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import torch.nn.functional as F
from torch import nn

from nninspect.doctor.causes import FailureRule, line_text, place_of, said
from nninspect.doctor.evidence import Evidence, Failure
from nninspect.doctor.imports import layer_kind
from nninspect.doctor.source import SourceClass, is_self, nodes_in
from nninspect.doctor.written import functions, line_of, path_of, written_classes
from nninspect.protocol.findings import Finding, Severity

_NO_INSTANCE = re.compile(r"([\w.<>]+) is not a Module subclass")
_GOT = (
    re.compile(r"must be Tensor, not (\w+)"),
    re.compile(r"invalid combination of arguments - got \((\w+)"),
    re.compile(r"unsupported operand type\(s\) for \S+ '(?:Tensor|\w+)' and '(\w+)'"),
    re.compile(r"unsupported operand type\(s\) for \S+ '(\w+)' and '\w+'"),
    re.compile(r"'(\w+)' object has no attribute '\w+'"),
    re.compile(r"expected Tensor as element \d+ in argument \d+, but got (\w+)"),
    re.compile(r"^(\w+)\.__init__\(\) (?:missing|takes)"),
)
_WHY = "Calling a class makes a module; only calling that module runs it on a tensor."


class ModuleAsTensor(FailureRule):
    """A module or a class stands where a tensor or a module belongs.

    What it flags: `nn.ReLU(x)`, which makes a ReLU and does not apply one; a class or a function
        given to a Sequential or a ModuleList in place of an instance, as `nn.Sequential(nn.ReLU)`;
        a forward that fails because a layer got a module for its input. `nn.Dropout(p)(x)` and a
        class that forward is given on purpose are left alone.
    Why: calling a class makes a module; only calling that module runs it on a tensor.
    Instead: make the layer in `__init__` and call it in forward, or use the function.
    Example:
        x = nn.ReLU(x)
        x = F.relu(x)
    """

    code = "NN107"
    name = "module-as-tensor"
    severity = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        raised = list(super().check(evidence))
        yield from raised
        if raised:
            return
        for written in written_classes(evidence):
            for node, kind in _made_of_input(written):
                yield self.finding(
                    f"{ast.unparse(node)} makes a {kind} out of the input, and applies none.",
                    why=_WHY,
                    change=_applied(kind, ast.unparse(node.args[0])),
                    at=line_of(written, node, path_of(evidence, written)),
                )

    def explain(self, evidence: Evidence, failure: Failure) -> Finding | None:
        text, place = said(failure), place_of(evidence, failure)
        if match := _NO_INSTANCE.search(text):
            name = match[1].rpartition(".")[2]
            return self.finding(
                f"{name} is a class or a function, given where a module belongs.",
                why="A container holds modules: instances, made by calling the class.",
                change=f"nn.{name}()" if hasattr(nn, name) else _module_of(name),
                at=place,
            )
        if failure is not evidence.forward_failure:
            return None
        kind = next((m[1] for pattern in _GOT if (m := pattern.search(text))), "")
        if kind != "type" and not _is_layer(evidence, kind):
            return None
        line = line_text(evidence, place)
        what = "class" if kind == "type" else kind
        return self.finding(
            f"A {what} was given where a tensor belongs: {line or text}",
            why=_WHY,
            change=_applied(kind, "x"),
            at=place,
        )


def _is_layer(evidence: Evidence, kind: str) -> bool:
    torchs = getattr(nn, kind, None)
    if inspect.isclass(torchs) and issubclass(torchs, nn.Module):
        return True
    modules = evidence.built.model.modules() if evidence.built is not None else ()
    return any(type(module).__name__ == kind for module in modules)


def _applied(kind: str, argument: str) -> str:
    function = kind.lower()
    if kind in ("Softmax", "LogSoftmax"):
        function = "softmax" if kind == "Softmax" else "log_softmax"
        return f"x = F.{function}({argument}, dim=-1)"
    if hasattr(F, function) and kind != "type":
        return f"x = F.{function}({argument})"
    made = "ReLU" if kind == "type" else kind
    return f"self.layer = nn.{made}(...)  # in __init__\nx = self.layer({argument})  # in forward"


def _module_of(name: str) -> str:
    near = [kind for kind in dir(nn) if kind.lower() == name.lower().replace("_", "")]
    return f"nn.{near[0]}()" if near else f"{name}()"


def _made_of_input(written: SourceClass) -> Iterator[tuple[ast.Call, str]]:
    """Layers that forward makes with its first argument or what a layer gave, and does not call."""
    for function in functions(written):
        arguments = [argument.arg for argument in function.args.args[1:2]]
        if function.name != "forward" or not arguments:
            continue
        called = {id(node.func) for node in nodes_in(function) if isinstance(node, ast.Call)}
        tensors = {arguments[0], *_results(function)}
        for node in nodes_in(function):
            if isinstance(node, ast.Call) and id(node) not in called and _takes(node, tensors):
                kind = layer_kind(written.file, node.func)
                kind = kind or _class_attribute(written, node.func)
                if kind is not None and not _is_kept(function, node):
                    yield node, kind.__name__


def _takes(node: ast.Call, tensors: set[str]) -> bool:
    first = node.args[0] if node.args else None
    return _is_result(first) or (isinstance(first, ast.Name) and first.id in tensors)


def _results(function: ast.AST) -> set[str]:
    """Local names of what a layer gave."""
    return {
        target.id
        for node in nodes_in(function)
        if isinstance(node, ast.Assign) and _is_result(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _is_result(node: ast.AST | None) -> bool:
    """`self.layer(x)`, `self.layers[0](x)`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    return is_self(called) and not ast.unparse(called).startswith("self._")


def _class_attribute(written: SourceClass, func: ast.AST) -> type[nn.Module] | None:
    """The class that `__init__` set in place of an instance: `self.act = nn.ReLU`."""
    if not isinstance(func, ast.Attribute) or not is_self(func):
        return None
    kinds = [
        layer_kind(written.file, part.value)
        for part in written.assignments(func.attr)
        if part.value
    ]
    return kinds[0] if len(kinds) == 1 else None


def _is_kept(function: ast.AST, made: ast.Call) -> bool:
    """Under a name, or on self, that is called afterwards."""
    kept = {
        ast.unparse(target)
        for node in nodes_in(function)
        if isinstance(node, ast.Assign) and node.value is made
        for target in node.targets
    }
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) in kept for node in nodes_in(function)
    )
