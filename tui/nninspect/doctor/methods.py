"""Which of the user's methods run in a forward: `forward`, and what it calls of its own."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nninspect.doctor.source import Source, SourceClass, SourceFile, is_self, nodes_in
from nninspect.doctor.structure import Structure

_ENTRIES = ("forward", "__call__")


@dataclass(frozen=True)
class ForwardMethod:
    """One method as it is written, and a module that runs it."""

    path: str
    """The first module of the class."""
    file: SourceFile
    owner: str
    """The class that has it."""
    node: ast.FunctionDef

    @property
    def name(self) -> str:
        return self.node.name


def forward_methods(structure: Structure, source: Source) -> list[ForwardMethod]:
    """Each once, in the order of the modules."""
    found: dict[int, ForwardMethod] = {}
    kinds: set[type] = set()
    for path, module in structure.modules():
        kind = type(module)
        if kind in kinds:
            continue
        kinds.add(kind)
        bases = [written for base in kind.__mro__ if (written := source.of_class(base))]
        for owner, method in _reached(bases):
            found.setdefault(id(method), ForwardMethod(path, owner.file, owner.name, method))
    return list(found.values())


def _reached(bases: list[SourceClass]) -> list[tuple[SourceClass, ast.FunctionDef]]:
    """The methods that a forward runs, over the written bases of a class, nearest first."""
    found: dict[str, tuple[SourceClass, ast.FunctionDef]] = {}
    waiting = list(_ENTRIES)
    while waiting:
        name = waiting.pop()
        written = None if name in found else _resolved(bases, name)
        if written is not None:
            found[name] = written
            waiting.extend(_called(written[1]))
    return list(found.values())


def _resolved(bases: list[SourceClass], name: str) -> tuple[SourceClass, ast.FunctionDef] | None:
    for base in bases:
        method = base.method(name)
        if method is not None:
            return base, method
    return None


def _called(method: ast.FunctionDef) -> list[str]:
    """The names of `self.name(...)`."""
    return [
        node.func.attr
        for node in nodes_in(method)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and is_self(node.func)
    ]
