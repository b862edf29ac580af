"""What the names in a file mean: "nn.Conv2d" is torch.nn.Conv2d where nn was imported so."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import lru_cache
from typing import Any

from torch import nn

from nninspect.doctor.source import SourceFile, nodes_in

MISSING = object()
"""What `found` gives for a name that torch does not have."""


@lru_cache(maxsize=64)
def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in nodes_in(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(file: SourceFile, node: ast.AST) -> str:
    """The full name of an imported name or of an attribute of it; "" for anything else."""
    if isinstance(node, ast.Name):
        return _imported(file.tree).get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = dotted(file, node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def found(name: str) -> Any:
    """What torch has under a full name; None for what is not torch's, MISSING where it has none."""
    if not name.startswith("torch."):
        return None
    value: Any = importlib.import_module("torch")
    for part in name.split(".")[1:]:
        try:
            value = getattr(value, part, MISSING)
        except RuntimeError:  # torch.classes and torch.ops have what is registered with them
            return None
        if value is MISSING:
            break
    return value


def layer_kind(file: SourceFile, node: ast.AST) -> type[nn.Module] | None:
    """The class of torch's layers that an expression names."""
    value = found(dotted(file, node))
    is_layer = inspect.isclass(value) and issubclass(value, nn.Module)
    return value if is_layer else None


def module_classes(file: SourceFile) -> list[ast.ClassDef]:
    """The classes of a file that derive from nn.Module, through each other as well."""
    classes = list(file.classes())
    known: set[str] = set()
    for _ in classes:
        known |= {
            node.name for node in classes if any(_is_module(file, b, known) for b in node.bases)
        }
    return [node for node in classes if node.name in known]


def _is_module(file: SourceFile, base: ast.AST, known: set[str]) -> bool:
    if isinstance(base, ast.Name) and base.id in known:
        return True
    return layer_kind(file, base) is not None
