"""What is known of a forward that raised, and the few questions that every family asks of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from nninspect.protocol.layers import Tensors

Shape = tuple[int, ...]


class Step(Protocol):
    """A module call or a functional call: what went in and what came out, None where it raised."""

    @property
    def inputs(self) -> Tensors: ...
    @property
    def outputs(self) -> Tensors | None: ...


class OpStep(Step, Protocol):
    """A functional call, and how many module calls had begun before it."""

    @property
    def after(self) -> int: ...


_Call = TypeVar("_Call")
_Op = TypeVar("_Op", bound=OpStep)


def in_order(calls: Sequence[_Call], ops: Sequence[_Op]) -> list[_Call | _Op]:
    """Module calls and functional calls as they began."""
    merged: list[_Call | _Op] = []
    waiting = deque(ops)
    for place, call in enumerate(calls):
        while waiting and waiting[0].after <= place:
            merged.append(waiting.popleft())
        merged.append(call)
    return [*merged, *waiting]


@dataclass(frozen=True)
class Facts:
    """A failed forward: the exception, the innermost module call, and all that came before."""

    error: BaseException
    module: nn.Module
    name: str
    """As it is shown: "fc1 (Linear)"."""
    inputs: Tensors
    earlier: Sequence[Step] = ()
    """Every call that had ended, in the order they began."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What modules are called, by their id."""
    op: Step | None = None
    """The functional call that raised, where it is known."""
    line: str = ""
    """The user's line that raised, as it is written."""

    @property
    def message(self) -> str:
        try:
            return str(self.error)
        except Exception:  # the user's own exception, with a broken __str__
            return ""

    @property
    def got(self) -> Shape | None:
        """The shape of the first input, where there is one and it is known."""
        if not self.inputs or min(self.inputs[0].shape, default=0) < 0:
            return None
        return self.inputs[0].shape

    def says(self, pattern: str) -> re.Match[str] | None:
        """Where the message matches."""
        return re.search(pattern, self.message, re.DOTALL)

    def is_plain(self, *kinds: type[nn.Module]) -> bool:
        """A layer of these kinds that does what torch's own does with its input."""
        module = self.module
        torchs = str(getattr(type(module).forward, "__module__", "")).startswith("torch.nn.")
        return isinstance(module, kinds) and torchs and not module._forward_pre_hooks


def by(dims: Sequence[int]) -> str:
    """As sizes are said: (16, 4, 4) → "16x4x4"."""
    return "x".join(map(str, dims))


def ints(text: str) -> Shape:
    """Every number in a piece of a message: "[1, 256]" → (1, 256)."""
    return tuple(map(int, re.findall(r"-?\d+", text)))


def set_instead(name: str, argument: str, wanted: int, got: Sequence[int], place: int) -> str:
    """The sentence for one number that differs, and the number to write."""
    return (
        f"{name} expects {argument}={wanted} and got {got[place]}, in {tuple(got)}: set "
        f"{argument}={got[place]}, or change what comes before it."
    )


def flattened(facts: Facts, got: Sequence[int]) -> Shape | None:
    """The dimensions, without the batch, that were flattened into the last one of `got`.

    Walks back over calls that only reshape or have no weights; None where it meets another.
    """
    batch, features = got[0], got[-1]
    for step in reversed(facts.earlier):
        for found in (step.outputs or (), step.inputs):
            shape = _only(found)
            if len(shape) > 2 and shape[0] == batch and prod(shape[1:]) == features:
                return None if is_without_batch(facts, shape) else shape[1:]
        if not _passes_on(step):
            return None
    return None


def is_without_batch(facts: Facts, shape: Shape) -> bool:
    """Three dimensions, of a network whose images have lost, or never had, their batch."""
    modules = [getattr(step, "module", None) for step in facts.earlier]
    return len(shape) == 3 and any(isinstance(module, nn.Conv2d) for module in modules)


def _only(found: Tensors) -> Shape:
    return found[0].shape if len(found) == 1 else ()


def _passes_on(step: Step) -> bool:
    """One tensor in, one of as many elements out, and no weights in between."""
    module = getattr(step, "module", None)
    if module is not None and next(module.parameters(), None) is not None:
        return False
    into, out = _only(step.inputs), _only(step.outputs or ())
    return bool(into and out) and prod(into) == prod(out)


def argument_of(error: BaseException, function: str, argument: str) -> Any:
    """What a Python function on the way to the error was called with; None where it wasn't."""
    trace, found = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_name == function:
            found = trace.tb_frame.f_locals.get(argument)
        trace = trace.tb_next
    return found


_DTYPES = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16",
    "long": "int64", "long int": "int64", "int": "int32", "short": "int16", "char": "int8",
    "byte": "uint8", "unsigned char": "uint8", "bool": "bool",
    "complexfloat": "complex64", "complexdouble": "complex128",
}  # fmt: skip


def dtype_called(word: str) -> str:
    """The dtype that a message means by "Double", "long int" or "torch.float64"; "" for none."""
    plain = word.lower().removeprefix("torch.").removeprefix("c10::").removesuffix("tensor")
    if isinstance(getattr(torch, plain, None), torch.dtype) and plain not in _DTYPES:
        return plain
    return _DTYPES.get(plain, "")
