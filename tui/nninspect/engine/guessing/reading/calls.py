"""What the calls of a forward come to: what goes into which layer, and what comes back."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from nninspect.engine.guessing.reading.layers import flows_into, keeps_shape, takes_time_first
from nninspect.engine.guessing.reading.source import last_name, parsed, positional, required
from nninspect.engine.guessing.reading.values import (
    Given,
    Held,
    Method,
    Reading,
    Several,
    Shape,
    Use,
    Value,
    attribute,
    given_in,
)

_KEEPING = frozenset({
    "abs", "add", "celu", "clamp", "clamp_", "clip", "clone", "contiguous", "cpu", "cuda", "detach",
    "dropout", "elu", "exp", "float", "gelu", "half", "hardtanh", "interpolate", "layer_norm",
    "leaky_relu", "log", "long", "mul", "normalize", "pack_padded_sequence", "pad", "relu", "relu_",
    "requires_grad_", "selu", "sigmoid", "silu", "sqrt", "sub", "tanh", "to", "type", "type_as",
})  # fmt: skip
"""Methods and functions that leave dimensions, and the size of the channels, as they were."""
_PRODUCTS = frozenset({"mm", "matmul", "spmm", "linear"})
_JOINING = frozenset({"stack", "cat", "concat", "concatenate", "hstack", "vstack"})
_INDEX_OF = {"cross_entropy": 1, "nll_loss": 1, "one_hot": 0, "index_select": 2}
"""Which argument of a function is an index."""
Names = dict[str, Value]


class Calls:
    """`found` has what was learned. Expressions and statements are for what derives from it."""

    def __init__(self) -> None:
        self.found: dict[str, Reading] = {}
        self._steps = 0
        self._depth = 0

    def _run(self, function: ast.FunctionDef, owner: nn.Module, names: Names) -> Value:
        """What a function of a module's class returns."""
        raise NotImplementedError

    def _of(self, path: str) -> Reading:
        return self.found.setdefault(path, Reading())

    def _entry(self, path: str, key: str) -> Given:
        entry = f"{path}.{key}"
        self._of(path)
        self._of(entry)
        return Given(entry)

    def _is_list(self, path: str) -> None:
        self._entry(path, "0")
        self._of(path).is_list = True

    def _is_known_list(self, path: str) -> bool:
        return path in self.found and self.found[path].is_list

    def _value(self, node: ast.expr, names: Names) -> Value:
        """What an expression comes to."""
        raise NotImplementedError

    def _call(self, node: ast.Call, names: Names) -> Value:
        owner = (
            self._value(node.func.value, names) if isinstance(node.func, ast.Attribute) else None
        )
        called = last_name(node.func)
        if isinstance(owner, Given):
            for one in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._value(one, names)
            return self._of_given(owner, called, node.args)
        target = attribute(owner.value, called) if isinstance(owner, Held) else names.get(called)
        if target is None and not isinstance(node.func, ast.Attribute):
            target = self._value(node.func, names)
        function = self._function(target)
        args, kwargs = self._arguments(node, names, function)
        if isinstance(target, Method) and function is not None:
            return self._enter(target.owner, function, args, kwargs)
        if isinstance(target, Held) and isinstance(target.value, nn.Module):
            return self._into(target.value, args, kwargs)
        if isinstance(target, Held) and isinstance(target.value, torch.Tensor):
            return target  # `.t()`
        return self._plain(called, args)

    def _function(self, target: Value) -> ast.FunctionDef | None:
        match target:
            case Method(_, function):
                return parsed(function)
            case Held(nn.Module() as module):
                return None if is_torchs(module) else parsed(type(module).forward)
            case _:
                return None

    def _arguments(
        self, node: ast.Call, names: Names, function: ast.FunctionDef | None
    ) -> tuple[list[Value], dict[str, Value]]:
        """What a call hands on; of `*args` and `**kwargs` what the callee can't do without."""
        args: list[Value] = []
        by_position, by_keyword = required(function) if function else (["input"], [])
        for one in node.args:
            value = self._value(one, names)
            if isinstance(one, ast.Starred) and isinstance(value, Given) and value.path[0] == "*":
                missing = range(len(args), len(by_position))
                args += [self._entry(value.path, str(place)) for place in missing]
            elif isinstance(one, ast.Starred) and isinstance(value, Several):
                args += value.items
            else:
                args.append(value)
        kwargs = {}
        for keyword in node.keywords:
            value = self._value(keyword.value, names)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, Given) and value.path[0] == "*":
                missing_names = [*by_position[len(args) :], *by_keyword]
                kwargs |= {name: self._entry(value.path, name) for name in missing_names}
        return args, kwargs

    def _enter(
        self,
        owner: nn.Module,
        function: ast.FunctionDef,
        args: Sequence[Value],
        kwargs: dict[str, Value],
    ) -> Value:
        own: Names = dict(zip(positional(function), args, strict=False)) | kwargs
        if function.args.vararg and len(args) > len(positional(function)):
            own[function.args.vararg.arg] = Several(tuple(args[len(positional(function)) :]))
        return self._run(function, owner, own)

    def _of_given(self, owner: Given, called: str, args: Sequence[ast.expr]) -> Value:
        """A method of an argument: of a tensor, or of a dict."""
        key = args[0].value if args and isinstance(args[0], ast.Constant) else None
        if called == "size" and owner.is_whole:
            self._has_dimension(owner.path, key)
            return Shape(owner.path) if not args else None
        if called in ("get", "pop") and owner.is_whole and isinstance(key, str):
            entry = self._entry(owner.path, key)
            if called == "get" or len(args) > 1:  # `pop` without a default takes it for given
                self._of(entry.path).is_optional = True
            return entry
        return owner if called in _KEEPING else Given(owner.path, is_whole=False)

    def _has_dimension(self, path: str, place: object) -> None:
        """`x.shape[2]` has three dimensions at least."""
        if isinstance(place, int):
            reading = self._of(path)
            reading.least_dims = max(reading.least_dims, place + 1, -place)

    def _plain(self, called: str, args: Sequence[Value]) -> Value:
        """A function: of torch, or one that is not read."""
        if called in _PRODUCTS and len(args) > 1:
            second = args[1]
            if called == "linear" and isinstance(second, Held):
                second = attribute(second.value, "T")
            return self._product(args[0], second)
        index = _INDEX_OF.get(called)
        if index is not None and index < len(args):
            self._is_index(args[index])
        if called in _JOINING and args:
            return self._joined(called, args[0])
        found = next((one for value in args if (one := given_in(value))), None)
        if found is None or called in _KEEPING:
            return found
        return Given(found.path, is_whole=False)

    def _is_index(self, value: Value) -> None:
        if isinstance(value, Given) and value.is_whole:
            self._of(value.path).is_index = True

    def _joined(self, called: str, value: Value) -> Value:
        """An argument that is a list of tensors; or several that go on together."""
        if isinstance(value, Given) and value.is_whole:
            self._of(self._entry(value.path, "0").path).is_stacked = called == "stack"
        items = value.items if isinstance(value, Several) else (value,)
        found = [one for item in items if (one := given_in(item))]
        return Several(tuple(Given(one.path, is_whole=False) for one in found)) if found else None

    def _product(self, left: Value, right: Value) -> Value:
        found = given_in(left) or given_in(right)
        if isinstance(left, Given) and isinstance(right, Held):
            weight: Any = right.value
            if isinstance(weight, torch.Tensor) and weight.dim() == 2:
                self._of(left.path).uses.append(Use(weight, "input", left.is_whole))
        return Given(found.path, is_whole=False) if found else None

    def _into(self, module: nn.Module, args: Sequence[Value], kwargs: dict[str, Value]) -> Value:
        """A module's call. Sequential hands on; torch's own are where an argument arrives."""
        if isinstance(module, torch.jit.ScriptModule):
            return None
        if type(module).forward is nn.Sequential.forward:
            value = args[0] if args else None
            for part in module._modules.values():
                value = self._into(part, [value], {}) if part is not None else value
            return value
        if not is_torchs(module):
            function = parsed(type(module).forward)
            if function is not None:
                return self._enter(module, function, args, kwargs)
        main = args[0] if args else next(iter(kwargs.values()), None)
        if keeps_shape(module):
            return main
        fed = given_in(main)
        for argument, value in flows_into(module, args, kwargs):
            self._arrive(module, argument, value)
        is_text = fed is not None and fed.is_whole and isinstance(module, nn.Embedding)
        return Given(fed.path, is_whole=False, is_text=is_text) if fed else None

    def _arrive(self, module: nn.Module, argument: str, value: Value) -> None:
        if isinstance(module, LazyModuleMixin):  # it has no size yet to tell
            return
        match value:
            case Given(path, is_whole, is_text, step_of):
                reading = self._of(path)
                if isinstance(module, (nn.CrossEntropyLoss, nn.NLLLoss)):
                    reading.is_index = reading.is_index or argument == "target"
                    return
                reading.uses.append(Use(module, argument, is_whole, step_of))
                if is_text and takes_time_first(module):
                    reading.is_time_first = True
            case Several(items):
                for one in items:
                    self._arrive(module, argument, one)


def is_torchs(module: nn.Module) -> bool:
    """Its forward is torch's own, or compiled; neither is read."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    return str(getattr(type(module).forward, "__module__", "")).startswith("torch.")
