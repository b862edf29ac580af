"""The syntax tree of a function, where its source can be had."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=512)
def parsed(function: Any) -> ast.FunctionDef | None:
    """The definition of a Python function; None for any other, or without its source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (TypeError, OSError, SyntaxError, ValueError):
        return None
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None)


def positional(function: ast.FunctionDef) -> list[str]:
    """Its arguments by position, `self` aside."""
    return [one.arg for one in (*function.args.posonlyargs, *function.args.args)][1:]


def required(function: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """What it can't do without: by position, and by keyword alone."""
    names, optional = positional(function), len(function.args.defaults)
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return names[: len(names) - optional], [one.arg for one, value in keywords if value is None]


def last_name(node: ast.expr) -> str:
    """ "relu" of `F.relu` and of `relu`; "" for anything else."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def names_in(target: ast.expr) -> list[str]:
    """What a target of several names binds: `b, c = …` → ["b", "c"]; "" for what is no name."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        return []
    return [last_name(one) if isinstance(one, ast.Name) else "" for one in target.elts]


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions directly below a node."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
