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


def step_along(key: ast.expr) -> int | None:
    """The dimension that an index takes one step of: 0 of `x[t]`, 1 of `x[:, t]` and `x[:, -1]`;
    None where it may take more. `x[0]` may be the first of a tuple."""
    match key:
        case ast.Name() | ast.BinOp():
            return 0
        case ast.Tuple(elts=[ast.Slice(lower=None, upper=None), step, *rest]):
            is_one = isinstance(step, (ast.Name, ast.BinOp, ast.UnaryOp)) or (
                isinstance(step, ast.Constant) and isinstance(step.value, int)
            )
            is_all_there_is = all(isinstance(one, ast.Slice) for one in rest)
            return 1 if is_one and is_all_there_is else None
        case _:
            return None


def is_list(kind: ast.expr) -> bool:
    """`list`, or several kinds of which a tuple is none."""
    if isinstance(kind, (ast.Tuple, ast.List)):
        return any(map(is_list, kind.elts)) and "Tensor" not in map(last_name, kind.elts)
    return last_name(kind) in ("list", "List", "Sequence")


def is_list_of_tensors(annotation: ast.expr | None) -> bool:
    """`list[torch.Tensor]`, `List["Tensor"]`."""
    match annotation:
        case ast.Constant(value=str() as text):
            return is_list_of_tensors(_expression(text))
        case ast.Subscript(value=kind, slice=of) if is_list(kind):
            item = _expression(of.value) if isinstance(of, ast.Constant) else of
            return item is not None and last_name(item) == "Tensor"
        case _:
            return False


def _expression(text: object) -> ast.expr | None:
    try:
        return ast.parse(str(text), mode="eval").body
    except SyntaxError:
        return None


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions directly below a node."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
