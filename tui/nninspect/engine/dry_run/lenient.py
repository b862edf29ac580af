"""The mode of a dry run: each op by a rule, else by what is known of its like, else by its meta
kernel; where that asks for values, with those that are known, else with guesses."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from nninspect.engine.dry_run.guesses import Assumed, Guessing
from nninspect.engine.dry_run.known_shapes import KnownShapes
from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.op_kinds import ATTRIBUTES, writes
from nninspect.engine.dry_run.shape_rules import by_rule
from nninspect.engine.structure import walk
from nninspect.protocol.dry_run import Guess


class Lenient(TorchFunctionMode):
    """A context in which tensors without values can be computed with. Enter it before a recorder,
    which then hears of every op first."""

    def __init__(self, values: KnownValues | None = None) -> None:
        """`values`: those that are known of the model."""
        super().__init__()
        self._known = KnownShapes()
        self._values = KnownValues() if values is None else values
        self._guesses: Counter[tuple[str, str, nn.Module | None, str]] = Counter()
        self._alls = WeakIdKeyDictionary()
        """What `all` gave, and what is `all` in other words."""
        self._inside: Callable[[], nn.Module | None] = lambda: None

    def start(self, inside: Callable[[], nn.Module | None]) -> None:
        """Forget the guesses so far; `inside` tells which module a forward is in."""
        self._guesses.clear()
        self._inside = inside

    def guesses(self, model: nn.Module) -> tuple[Guess, ...]:
        """In the order in which each was first made, with paths within the model."""
        if not self._guesses:
            return ()
        paths = {node.module: node.path for node in reversed(walk(model))}
        return tuple(
            Guess(op, assumed, paths.get(module, "") if module else "", line, times)
            for (op, assumed, module, line), times in self._guesses.items()
        )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in ATTRIBUTES:
            result = func(*args, **kwargs)
            self._values.access(func, args, result)
            return result
        if name == "__format__" and _is_whole_number(args[0]):
            value = self._result(torch.Tensor.item, args[:1], {})
            return format(value, *args[1:])  # as of any other: "experts.3"
        result = self._result(func, args, kwargs)
        if isinstance(result, torch.Tensor) and (name in _ALL or _is_count(name, result, args)):
            self._alls[result] = True
        return result

    def _result(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        operands = self._values.operands(func, args, kwargs)
        try:
            result, failed = self._on_meta(func, args, kwargs), False
        except (RuntimeError, TypeError):  # NumPy, asked for an array, raises the latter
            failed = True
        if not failed:
            if operands is not None:
                self._values.follow(func, operands, result)
            return result
        if operands is not None:
            with suppress(Exception):  # what it raises on meta is to be raised
                return self._values.answer(func, operands)
        if not writes(func, kwargs) and (moved := self._values.all_on_meta(args, kwargs)):
            return self._result(func, *moved)  # meta stands for the CPU, where they go together
        return self._guessed(func, args, kwargs)

    def _on_meta(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with torch._C.DisableTorchFunction():
            made = by_rule(func, args, kwargs)
            if made is not None:
                return made
            call, known = self._known.look_up(func, args, kwargs)
            if known is not None:
                return known()
        result = func(*args, **kwargs)
        if call is not None:
            self._known.keep(call, result)
        return result

    def _guessed(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The same call once more; where no guess was what it lacked it fails as before."""
        name = str(getattr(func, "__name__", func)).strip("_")

        def tell(assumed: str) -> None:
            self._guesses[name, assumed, self._inside(), _line()] += 1

        with Guessing(Assumed(tell, self._alls, self._values)):
            return func(*args, **kwargs)


_ALL = frozenset({"all", "_is_all_true"})


def _is_whole_number(tensor: torch.Tensor) -> bool:
    return tensor.is_meta and not tensor.dim() and not tensor.dtype.is_floating_point


def _is_count(name: str, result: torch.Tensor, args: tuple[Any, ...]) -> bool:
    """As in `mask.sum() == mask.numel()`: one value, equal to a number above zero."""
    if name.strip("_") != "eq" or result.dim() or len(args) < 2:
        return False
    return isinstance(args[1], int) and args[1] > 0


def _line() -> str:
    """The innermost line that is neither torch's nor ours, as "net.py:18"."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((_TORCH, _OURS, "<")):
            return f"{Path(file).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


_TORCH = str(Path(torch.__file__).resolve().parent)
_OURS = str(Path(__file__).resolve().parent.parent)
