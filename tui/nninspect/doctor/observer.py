"""What the doctor notes of a forward beside the engine's record: arguments, weights, lines."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from nninspect.doctor.source import Source
from nninspect.doctor.watching import UnitsWatch
from nninspect.engine.dataflow import Dataflow
from nninspect.engine.ops import Op
from nninspect.engine.recorder import Call, Maker, Observer
from nninspect.engine.tensors import tensors_in

_READS = "item tolist numpy bool int float complex index repr format equal"
READS = frozenset(_READS.split())
"""What gives values of a tensor to Python."""

_TORCH = Path(torch.__file__).parent
_BETWEEN = (
    str(Path(__file__).parents[1]),
    str(_TORCH / "_tensor.py"),
    str(_TORCH / "overrides.py"),
)
"""What stands between a call of a torch function and its observer."""

_PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device)


@dataclass(slots=True)
class Notes:
    """What is known of one step. Holds no tensor but parameters."""

    file: str = ""
    line: int = 0
    """The user's line that made it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The plain arguments: by name, or by place as "0" where the function does not tell."""
    weights: tuple[nn.Parameter, ...] = ()
    """Parameters among the arguments."""
    makers: tuple[Maker | None, ...] = ()
    """What made the other tensors among them, in their order; None for the model's inputs."""
    constants: int = 0
    """Tensors among the arguments that come from nowhere: made here, buffers, attributes."""
    training: bool = False
    """The mode of the layer at that time."""


@dataclass(slots=True)
class Read:
    """Values of a tensor, read into Python by the user's own code."""

    name: str
    """Of the function, as in `READS`."""
    inside: int
    """The index of the module call; -1 outside of any."""
    file: str
    line: int


class NotesTaker(Observer):
    """Takes the notes of one forward."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.notes: dict[int, Notes] = {}
        """By `id` of the call or op."""
        self.given: dict[int, tuple[tuple[str, Maker | None], ...]] = {}
        """What each module call returned, by `id`: keys and what made them."""
        self.reads: list[Read] = []
        """Of tensors that the forward was given or made."""
        self.units = UnitsWatch()
        """Which units behind a ReLU were active."""

    def called(self, call: Call, given: Sequence[torch.Tensor]) -> None:
        file, line = self._line()
        self.notes[id(call)] = Notes(file, line, training=call.module.training)
        self.units.called(call, given)

    def done(
        self,
        op: Op,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        flow: Dataflow[Maker],
    ) -> None:
        tensors = [tensor for _, tensor in tensors_in([*args, *kwargs.values()])]
        known = [tensor for tensor in tensors if flow.knows(tensor)]
        weights = tuple(
            tensor
            for tensor in tensors
            if isinstance(tensor, nn.Parameter) and not flow.knows(tensor)
        )
        file, line = self._line()
        self.notes[id(op)] = Notes(
            file,
            line,
            _options(func, args, kwargs),
            weights,
            tuple(flow.maker(tensor) for tensor in known),
            len(tensors) - len(known) - len(weights),
        )
        self.units.done(op, func, args, kwargs, flow)

    def read(self, op: Op, given: Sequence[torch.Tensor], flow: Dataflow[Maker]) -> None:
        if op.name in READS and any(map(flow.knows, given)):
            file, line = _caller()
            if self._source.is_own(file):
                self.reads.append(Read(op.name, op.inside, file, line))

    def gave(
        self, call: Call, found: Sequence[tuple[str, torch.Tensor]], flow: Dataflow[Maker]
    ) -> None:
        self.given[id(call)] = tuple(
            (key, flow.maker(tensor)) for key, tensor in found if flow.knows(tensor)
        )

    def _line(self) -> tuple[str, int]:
        """The innermost line of the user's own."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            if self._source.is_own(frame.f_code.co_filename):
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return "", 0


def _caller() -> tuple[str, int]:
    """The line that called a torch function, whoever wrote it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_BETWEEN):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return "", 0


def _options(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    names = _argument_names(func)
    named = {
        names[place] if place < len(names) else str(place): value
        for place, value in enumerate(args)
    }
    return {name: value for name, value in {**named, **kwargs}.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(isinstance(part, _PLAIN) for part in value)
    return isinstance(value, _PLAIN)


@cache
def _argument_names(func: Callable[..., Any]) -> tuple[str, ...]:
    """Of a function written in Python; torch's built-in ones don't tell."""
    try:
        return tuple(inspect.signature(func).parameters)
    except (TypeError, ValueError):
        return ()
