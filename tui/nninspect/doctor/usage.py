"""Whether the source of a class uses an attribute, in whatever branch of whatever method."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import lru_cache

from nninspect.doctor.source import is_self, nodes_in

_BY_OTHER_MEANS = frozenset(
    {"getattr", "children", "named_children", "modules", "named_modules", "_modules", "parameters"}
)
"""How a method reaches parts without naming them."""


def is_used(kind: type, attribute: str) -> bool:
    """Whether a method other than `__init__` reads it, or reads parts without naming them; also
    where there is no source to tell."""
    trees = [
        _tree(base) for base in kind.__mro__ if not base.__module__.startswith("torch.nn.modul")
    ]
    if not any(trees):
        return True
    return any(_reads(method, attribute) for tree in trees if tree for method in _methods(tree))


@lru_cache(maxsize=256)
def _tree(kind: type) -> ast.Module | None:
    """As it is written, in whosever file."""
    if kind is object:
        return None
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _methods(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    (*_, owner) = tree.body
    parts = owner.body if isinstance(owner, ast.ClassDef) else []
    found = (part for part in parts if isinstance(part, ast.FunctionDef))
    return (part for part in found if part.name != "__init__")


def _reads(method: ast.FunctionDef, attribute: str) -> bool:
    for node in nodes_in(method):
        if is_self(node, attribute) and isinstance(getattr(node, "ctx", None), ast.Load):
            return True
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if isinstance(node, (ast.Name, ast.Attribute)) and name in _BY_OTHER_MEANS:
            return True
    return False
