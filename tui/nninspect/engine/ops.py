"""Recording the functional calls of a forward: `F.relu(x)`, `x + y`, `torch.cat`.

A TorchFunctionMode sees what the user's code calls, at the grain at which it is written. What
one of torch's own leaf modules calls is that module's business and gets no record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch._ops import OpOverload
from torch.nn import functional as F
from torch.nn.utils import rnn
from torch.overrides import TorchFunctionMode

from nninspect.engine.counting import count
from nninspect.engine.flight import Ended
from nninspect.engine.tensors import described, described_in_order, tensors_in
from nninspect.protocol.layers import Tensors

if TYPE_CHECKING:
    from nninspect.engine.recorder import CallRecorder

MAX_OPS = 50_000
"""Ops that are kept: a loop over time steps in Python needs no more of its rows."""

MAX_KNOWN = 4_096
"""Functions whose names are remembered."""

unseen = torch._C.DisableTorchFunction
"""A context in which our own questions to tensors are no ops."""

_TORCH = str(Path(torch.__file__).resolve().parent)
_PACKING = rnn.__file__
_PACKERS = frozenset({"pack_padded_sequence", "pad_packed_sequence", "pad_sequence"})
_OURS = str(Path(__file__).resolve().parent.parent)


@dataclass(slots=True, eq=False)
class Op:
    """One functional call, in the order they began. Holds no tensor."""

    name: str
    source: str
    """The line that called it, as "net.py:18"; "" where it is torch's own."""
    inside: int
    """The index of the module call it was made in; -1 outside of any."""
    after: int
    """How many module calls had begun before it."""
    inputs: Tensors
    outputs: Tensors | None = None
    """None where it raised."""
    output_bytes: int = 0
    mult_adds: int | None = None
    """None where there is no rule to count it by."""


class OpRecorder(TorchFunctionMode):
    """The mode; it shares the open module call and the dataflow of a call recorder."""

    def __init__(self, recorder: CallRecorder) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.left_out = 0
        """Ops beyond MAX_OPS."""
        self.failed: Op | None = None
        """The op that the latest exception came out of."""
        self._error: BaseException | None = None
        self._recorder = recorder
        self._shown: dict[str, str] = {}
        """File names as they are shown; "" for those that are not."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self._recorder.is_in_leaf or self._recorder.open < 0:
            return func(*args, **kwargs)
        if _is_attribute(func) or _prepares(func, sys._getframe(1).f_code.co_filename):
            return self._passed_on(func, args, kwargs)
        return self._op(func, args, kwargs)

    def steps_aside(self) -> bool:
        """Hear of no function until it `comes_back`; False where a mode of the user's is in the
        way. What torch's own layers call would else be told one by one, to be heeded not at all."""
        modes = torch._C._len_torch_function_stack()
        if not modes or torch._C._get_function_stack_at(modes - 1) is not self:
            return False
        torch._C._pop_torch_function_stack()
        return True

    def comes_back(self) -> None:
        """After it stepped aside."""
        torch._C._push_on_torch_function_stack(self)

    def forget_failure_unless(self, error: BaseException | None) -> None:
        """An exception that was caught on its way is no failure."""
        if error is None or self._error not in (error, error.__cause__):
            self.failed = None
        self._error = None

    def _passed_on(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """`x.T`, `x.data`: the tensor in another guise; writing one is no op either."""
        result = func(*args, **kwargs)
        if args and isinstance(args[0], torch.Tensor):
            with unseen():
                for _, tensor in tensors_in(result):
                    self._recorder.dataflow.same(tensor, args[0])
        return result

    def _op(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        recorder = self._recorder
        known = _called_as(func)
        with unseen():
            found = tensors_in([*args, *kwargs.values()] if kwargs else args)
            inputs = described(found)  # before it: an in-place op may resize
        try:
            recorder.steps.pass_one()
            result = func(*args, **kwargs)
            if self._recorder.wait is not None:
                self._recorder.wait()
        except (Exception, Ended) as error:
            if error is not self._error:
                self._error, self.failed = error, self._begun(known, inputs)
                self._keep(self.failed)
            raise
        with unseen():
            written = _written(func, result, args, kwargs)
            made = [t for _, t in tensors_in(result)] if written is None else [written]
            op = self._begun(known, inputs)
            if made and self._keep(op):
                op.mult_adds = count(known, args, kwargs, result)
                if recorder.observer is not None:
                    recorder.observer.done(op, known, args, kwargs, recorder.dataflow)
                self._note(op, [t for _, t in found], made, is_in_place=written is not None)
            elif not made and recorder.observer is not None:
                recorder.observer.read(op, [t for _, t in found], recorder.dataflow)
        recorder.steps.pass_one(is_end=True)
        return result

    def _note(
        self, op: Op, given: list[torch.Tensor], made: list[torch.Tensor], is_in_place: bool
    ) -> None:
        op.outputs = described_in_order(made)
        flow = self._recorder.dataflow
        flow.used(given[1:] if _takes_a_shape(op.name) else given, op)
        if is_in_place:
            flow.changed(made[0], op)
        else:
            op.output_bytes = new_bytes(made, given)
            flow.made(made, op)

    def _begun(self, func: Callable[..., Any], inputs: Tensors) -> Op:
        recorder = self._recorder
        return Op(_name(func), self._source(), recorder.open, len(recorder.calls), inputs)

    def _keep(self, op: Op) -> bool:
        if len(self.ops) >= MAX_OPS:
            self.left_out += 1
            return False
        self.ops.append(op)
        return True

    def _source(self) -> str:
        """The innermost line that is neither torch's nor ours."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            shown = self._shown.get(file)
            if shown is None:
                is_shown = not file.startswith((_TORCH, _OURS, "<"))
                shown = self._shown[file] = Path(file).name if is_shown else ""
            if shown:
                return f"{shown}:{frame.f_lineno}"
            frame = frame.f_back
        return ""


@lru_cache(maxsize=MAX_KNOWN)
def _is_attribute(func: Callable[..., Any]) -> bool:
    return getattr(func, "__name__", "") in ("__get__", "__set__", "__delete__")


def _prepares(func: Callable[..., Any], caller: str) -> bool:
    """Whether it is a step on the way of `pack_padded_sequence` and its like, which sort, select
    and scatter in Python: to their user each is one op."""
    return caller == _PACKING and _name(func) not in _PACKERS


@lru_cache(maxsize=MAX_KNOWN)
def _called_as(func: Callable[..., Any]) -> Callable[..., Any]:
    """An operator, as exported programs call them, by the function of its name."""
    if not isinstance(func, OpOverload):
        return func
    packet = func.overloadpacket
    name = packet.__name__
    found: Callable[..., Any] = getattr(F, name, None) or getattr(torch, name, packet)
    return found


@lru_cache(maxsize=MAX_KNOWN)
def _name(func: Callable[..., Any]) -> str:
    """As the user calls it: "relu", "add" for `+`, "getitem" for `[]`."""
    name = str(getattr(func, "__name__", type(func).__name__))
    return name.strip("_") or name


def _takes_a_shape(name: str) -> bool:
    """As `torch.zeros_like(x)` and `x.new_ones(3)` do: no value of x goes into what they make."""
    return name.endswith("_like") or name.startswith("new_")


def _written(
    func: Callable[..., Any], result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> torch.Tensor | None:
    """The tensor that an op wrote to, where it made none: `x.add_(y)`, `x[0] = y`, `out=x`."""
    target = kwargs.get("out")
    if target is None and args and (result is args[0] or (result is None and _sets_item(func))):
        target = args[0]
    return target if isinstance(target, torch.Tensor) else None


def _sets_item(func: Callable[..., Any]) -> bool:
    return getattr(func, "__name__", "") == "__setitem__"


def new_bytes(made: Sequence[torch.Tensor], given: Sequence[torch.Tensor]) -> int:
    """Bytes of the tensors that are no views of what was given, each storage once."""
    seen = set(map(_storage, given))
    total = 0
    for tensor in made:
        storage = _storage(tensor)
        if storage and storage not in seen:
            seen.add(storage)
            total += tensor.nbytes
    return total


def _storage(tensor: torch.Tensor) -> int:
    """The identity of its storage; 0 where it has none of its own, as a sparse one."""
    try:
        return tensor.untyped_storage()._cdata  # type: ignore[no-any-return]
    except RuntimeError:
        return 0
