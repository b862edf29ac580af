"""Which of the user's methods run in a forward: `forward`, and what it calls of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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


def always_run(methods: list[ForwardMethod]) -> list[ForwardMethod]:
    """Those that a forward calls whatever its attributes are: not only to grow a table."""
    found, waiting = set[str](), {method.name for method in methods if method.name in _ENTRIES}
    while waiting:
        found |= waiting
        reached = [method for method in methods if method.name in waiting]
        waiting = {name for method in reached for name in _calls(method.node)} - found
    return [method for method in methods if method.name in found]


def _calls(method: ast.FunctionDef) -> Iterator[str]:
    """The names of `self.name(...)`, what stands under a condition on attributes left out."""
    waiting: list[ast.AST] = [*method.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If):
            waiting.extend((*always(node), node.test))
            continue
        if isinstance(node, ast.Call) and is_self(node.func):
            yield node.func.attr
        waiting.extend(ast.iter_child_nodes(node))


def always(node: ast.AST) -> list[ast.AST]:
    """What runs of a branch whatever its condition; but one that asks of an attribute may be
    there to make it once."""
    if not isinstance(node, ast.If) or "self" in ast.unparse(node.test):
        return []
    return [*node.body, *node.orelse]
