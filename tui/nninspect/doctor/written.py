"""The classes as they are written: those of a built model, else all that the target defines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.imports import module_classes
from nninspect.doctor.place import Place
from nninspect.doctor.source import SourceClass, SourceFile, nodes_in

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def written_classes(evidence: Evidence) -> list[SourceClass]:
    """The user's module classes: of the model with their bases; where none could be built, of
    the target's file or of the notebook's cells."""
    if evidence.built is not None:
        return evidence.source_classes()
    files = [cell for _, cell in evidence.notebook.cells] if evidence.notebook else []
    if evidence.source.target is not None:
        files.append(evidence.source.target)
    return [SourceClass(file, node) for file in files for node in module_classes(file)]


def assignments_in_files(
    evidence: Evidence, words: Sequence[str]
) -> Iterator[tuple[SourceFile, ast.Assign]]:
    """Every assignment of the files that the user's classes and the target stand in, if they have
    one of the words; those of other module classes left out."""
    classes = written_classes(evidence)
    files = [written.file for written in classes]
    if evidence.source.target is not None:
        files.append(evidence.source.target)
    own = {id(written.node) for written in classes}
    for file in {file.path: file for file in files}.values():
        if not any(word in file.text for word in words):
            continue
        others = (node for node in module_classes(file) if id(node) not in own)
        strange = {id(part) for node in others for part in nodes_in(node)}
        for node in nodes_in(file.tree):
            if isinstance(node, ast.Assign) and id(node) not in strange:
                yield file, node


def functions(written: SourceClass) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods that a class itself defines."""
    return (part for part in written.node.body if isinstance(part, _FUNCTIONS))


def line_of(written: SourceClass, node: ast.AST, path: str = "") -> Place:
    """Where a piece of a class stands."""
    return Place(path, written.file.path, getattr(node, "lineno", 0))


def path_of(evidence: Evidence, written: SourceClass) -> str:
    """The first module of the class in the tree; "" for the root and where none is built."""
    for path, module in evidence.built.modules() if evidence.built else ():
        if written.kind is not None and isinstance(module, written.kind):
            return path
    return ""


def calls_super_init(function: ast.AST) -> ast.Call | None:
    """Where a function calls a base's: `super().__init__()`, `nn.Module.__init__(self)`."""
    calls = (node for node in nodes_in(function) if isinstance(node, ast.Call))
    return next((node for node in calls if _is_method(node.func, "__init__")), None)


def _is_method(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name


def gives_back(method: ast.FunctionDef) -> bool:
    """Whether it returns, or yields, anything; what only raises counts as well."""
    kinds = (ast.Raise, ast.Yield, ast.YieldFrom)
    return any(
        isinstance(node, kinds) or (isinstance(node, ast.Return) and node.value is not None)
        for node in nodes_in(method)
    )
