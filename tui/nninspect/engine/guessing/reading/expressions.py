"""What the expressions of a forward come to: which arguments are in them."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Sequence

import torch

from nninspect.engine.guessing.reading.calls import Calls, Names
from nninspect.engine.guessing.reading.source import expressions, last_name, step_along
from nninspect.engine.guessing.reading.values import (
    Given,
    Held,
    Several,
    Shape,
    Value,
    attribute,
    first,
    item,
    names_held,
)


class Expressions(Calls):
    """Statements are for what derives from it to read."""

    def _bind(self, target: ast.expr, value: Value, names: Names) -> None:
        """Give the names of a target what they stand for."""
        raise NotImplementedError

    def _value(self, node: ast.expr, names: Names) -> Value:
        match node:
            case ast.Name(id=name):
                value = names.get(name)
                if isinstance(value, Given):
                    self._of(value.path)
                return value
            case ast.Constant(value=constant):
                return Held(constant)
            case ast.Attribute(value=owner, attr=name):
                return self._attribute(self._value(owner, names), name)
            case ast.Subscript(value=owner, slice=key):
                item = self._item(self._value(owner, names), self._value(key, names))
                if isinstance(item, Given) and not item.is_whole and item.step_of is None:
                    return dataclasses.replace(item, step_of=step_along(key))
                return item
            case ast.Call():
                return self._call(node, names)
            case ast.BinOp(left=left, op=op, right=right):
                both = self._value(left, names), self._value(right, names)
                if isinstance(op, ast.MatMult):
                    return self._product(*both)
                return next((one for one in both if isinstance(one, Given)), both[0])
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return Several(tuple(self._value(one, names) for one in items))
            case ast.ListComp() | ast.GeneratorExp():
                return Several(tuple(self._comprehended(node.elt, node.generators, names)))
            case ast.Compare(left=left, ops=[ast.In()], comparators=[held]):
                self._may_lack(self._value(held, names), self._value(left, names))
                return None
            case ast.Lambda():
                return None
            case _:
                values = [self._value(one, names) for one in expressions(node)]
                keeps = isinstance(node, (ast.UnaryOp, ast.IfExp, ast.BoolOp, ast.Starred))
                return (
                    next((one for one in values if isinstance(one, Given)), None) if keeps else None
                )

    def _comprehended(
        self, item: ast.expr, loops: Sequence[ast.comprehension], names: Names
    ) -> Iterator[Value]:
        """The items, one for each name that the first loop goes through; else one."""
        own = dict(names)
        for value in self._elements(loops[0].iter, own):
            self._bind(loops[0].target, value, own)
            for loop in loops[1:]:
                self._bind(loop.target, self._element(loop.iter, own), own)
            yield self._value(item, own)

    def _may_lack(self, owner: Value, key: Value) -> None:
        """`if "mask" in batch:`."""
        match owner, key:
            case Given(path, is_whole=True), Held(str() as name):
                self._of(self._entry(path, name).path).is_optional = True

    def _elements(self, over: ast.expr, names: Names) -> list[Value]:
        """What a loop binds: in turn where it goes through names that the model holds."""
        match over:
            case ast.Call(func=ast.Attribute(value=held, attr="items" | "keys" as how)):
                found = self._value(held, names)
            case _:
                found, how = self._value(over, names), "keys"
        keys = names_held(found.value) if isinstance(found, Held) else []
        if not keys:
            return [self._element(over, names)]
        if how == "items":
            return [Several((Held(key), self._item(found, Held(key)))) for key in keys]
        return [Held(key) for key in keys]

    def _attribute(self, owner: Value, name: str) -> Value:
        match owner:
            case Given(path, is_whole=True) if name == "shape":
                return Shape(path)
            case Given(path, is_whole=True) if not hasattr(torch.Tensor, name):
                return self._entry(path, name)
            case Given() if name in ("data", "real"):
                return owner
            case Given(path) if name in ("T", "mT"):
                return Given(path, is_whole=False)
            case Held(value):
                return attribute(value, name)
            case _:
                return None

    def _item(self, owner: Value, key: Value) -> Value:
        constant = key.value if isinstance(key, Held) else None
        if isinstance(key, Given) and key.is_whole:
            self._of(key.path).is_index = True
        match owner:
            case Shape(path):
                self._has_dimension(path, constant)
                return None
            case Given(path, is_whole=True) if isinstance(constant, str):
                return self._entry(path, constant)
            case Given(path, is_whole=True) if path.startswith("*") and "." not in path:
                return self._entry(path, str(constant)) if isinstance(constant, int) else None
            case Given(path, is_whole=True) if self._is_known_list(path):
                return self._entry(path, str(constant) if isinstance(constant, int) else "0")
            case Given(path):
                return Given(path, is_whole=False)
            case Held(value):
                return item(value, constant)
            case Several(items) if isinstance(constant, int) and -len(items) <= constant < len(
                items
            ):
                return items[constant]
            case _:
                return None

    def _element(self, over: ast.expr, names: Names) -> Value:
        """What a loop binds at first."""
        if isinstance(over, ast.Call):
            match last_name(over.func):
                case "enumerate" if over.args:
                    return Several((None, self._element(over.args[0], names)))
                case "zip":
                    return Several(tuple(self._element(one, names) for one in over.args))
                case "items" if isinstance(over.func, ast.Attribute):
                    return Several((None, first(self._value(over.func.value, names))))
                case "values" | "children" if isinstance(over.func, ast.Attribute):
                    return first(self._value(over.func.value, names))
        value = self._value(over, names)
        if isinstance(value, Given) and value.is_whole and self._is_known_list(value.path):
            return self._entry(value.path, "0")
        return first(value)
