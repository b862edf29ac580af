"""Following the arguments of a forward to the layers they go into, statement by statement."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from torch import nn

from nninspect.engine.guessing.reading.calls import Names, is_torchs
from nninspect.engine.guessing.reading.expressions import Expressions
from nninspect.engine.guessing.reading.source import (
    expressions,
    is_list,
    is_list_of_tensors,
    last_name,
    names_in,
    parsed,
    positional,
)
from nninspect.engine.guessing.reading.values import (
    Given,
    Held,
    Reading,
    Several,
    Shape,
    Value,
)

MAX_DEPTH = 12
MAX_STEPS = 4_000
"""Bounds on what is read of one model."""


def read(model: nn.Module) -> dict[str, Reading]:
    """What the model's forward does with its arguments, by the dotted name of each entry; {} for
    one without source. The entries of `*args` stand below "*args", of `**kwargs` below "**kwargs".
    """
    reader = _Reader()
    try:
        reader.read(model)
    except RecursionError:  # an expression a thousand levels deep
        return {}
    return reader.found


class _Reader(Expressions):
    """Reads one forward."""

    def read(self, model: nn.Module) -> None:
        """Follow each argument of the model's forward."""
        function = None if is_torchs(model) else parsed(type(model).forward)
        if function is None or "forward" in vars(model):
            return
        names: Names = {name: Given(name) for name in positional(function)}
        names |= {one.arg: Given(one.arg) for one in function.args.kwonlyargs}
        for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
            if is_list_of_tensors(one.annotation):
                self._is_list(one.arg)
        if function.args.vararg:
            names[function.args.vararg.arg] = Given(f"*{function.args.vararg.arg}")
        if function.args.kwarg:
            names[function.args.kwarg.arg] = Given(f"**{function.args.kwarg.arg}")
        self._run(function, model, names)

    def _run(self, function: ast.FunctionDef, owner: nn.Module, names: Names) -> Value:
        if self._depth >= MAX_DEPTH:
            return None
        self._depth += 1
        if function.args.args:
            names[function.args.args[0].arg] = Held(owner)
        try:
            return self._block(function.body, names)
        finally:
            self._depth -= 1

    def _block(self, body: Sequence[ast.stmt], names: Names) -> Value:
        """Reads on behind a `return`, which may stand under a condition; the last one counts."""
        returned: Value = None
        for statement in body:
            self._steps += 1
            if self._steps > MAX_STEPS:
                break
            returned = self._statement(statement, names) or returned
        return returned

    def _statement(self, statement: ast.stmt, names: Names) -> Value:
        match statement:
            case ast.Return(value=ast.expr() as value):
                return self._value(value, names)
            case ast.Assign(targets=targets, value=value):
                result = self._value(value, names)
                for target in targets:
                    self._bind(target, result, names)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._value(value, names), names)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._branches(test, body, orelse, names)
            case ast.For(target=target, iter=over, body=body, orelse=orelse):
                for element in self._elements(over, names):
                    self._bind(target, element, names)
                    self._block(body, names)
                return self._block([*body, *orelse], names)  # with what the last turn left
            case ast.While() | ast.With() | ast.Try():
                for expression in expressions(statement):
                    self._value(expression, names)
                return self._block(statement.body, names)
            case ast.FunctionDef() | ast.ClassDef():
                pass
            case ast.Assert(test=test):
                if not isinstance(test, ast.Compare):
                    self._value(test, names)
                self._must_be_list(test, names)
            case _:
                for expression in expressions(statement):
                    self._value(expression, names)
        return None

    def _branches(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], names: Names
    ) -> Value:
        """Both, each with the names as they were. A branch for another kind of argument, as
        `if isinstance(x, dict):`, is not read."""
        self._value(test, names)
        match test, body:
            case ast.UnaryOp(op=ast.Not(), operand=asked), [ast.Raise(), *_]:
                self._must_be_list(asked, names)
        is_other_kind = isinstance(test, ast.Call) and last_name(test.func) == "isinstance"
        returned: Value = None
        for branch in ([] if is_other_kind else body), orelse:
            own = dict(names)
            returned = self._block(branch, own) or returned
            for name, value in own.items():
                if not isinstance(names.get(name), Given):
                    names[name] = value
        return returned

    def _must_be_list(self, test: ast.expr, names: Names) -> None:
        """`assert isinstance(x, list)`."""
        match test:
            case ast.Call(args=[asked, kind]) if last_name(test.func) == "isinstance":
                value = self._value(asked, names)
                if isinstance(value, Given) and value.is_whole and is_list(kind):
                    self._is_list(value.path)

    def _bind(self, target: ast.expr, value: Value, names: Names) -> None:
        if isinstance(target, ast.Name):
            names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for place, one in enumerate(target.elts):
                self._bind(one, self._unpacked(value, place), names)
            if isinstance(value, Shape):
                self._of(value.path).dims = tuple(names_in(target))

    def _unpacked(self, value: Value, place: int) -> Value:
        match value:
            case Several(items):
                return items[place] if place < len(items) else None
            case Given(path, is_whole=True):
                return self._entry(path, str(place))
            case Given():
                return value
            case _:
                return None
