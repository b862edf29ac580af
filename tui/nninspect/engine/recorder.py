"""Recording every module call of a forward: what went in, what came out, where it broke.

What calls a module comes through here for the duration, in this thread only. Hooks would miss
keyword arguments, stay behind when registering fails, and never hear of a call that raises.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias

import torch
from torch import nn

from nninspect.engine.dataflow import Dataflow
from nninspect.engine.flight import Steps
from nninspect.engine.module_calls import argument_names, is_leaf_of_torch
from nninspect.engine.ops import Op, OpRecorder, new_bytes, unseen
from nninspect.engine.redirect import Redirection
from nninspect.engine.tensors import described, tensors_in
from nninspect.protocol.layers import Tensors


@dataclass(slots=True, eq=False)
class Call:
    """One call of one module, in the order they began. Holds no tensor."""

    module: nn.Module
    inputs: Tensors
    outputs: Tensors | None = None
    """None where the call raised."""
    inside: int = -1
    """The index of the call it was made in; -1 for the outermost."""
    output_bytes: int = 0
    """Of the tensors that a leaf made; a module with parts makes none itself."""


Maker: TypeAlias = Call | Op
"""What a tensor came from."""


class Observer:
    """Hears of each step while its tensors are still at hand, before the dataflow knows it.

    Torch functions that it calls are not recorded. This one heeds nothing.
    """

    def called(self, call: Call, given: Sequence[torch.Tensor]) -> None:
        """A module call begins; the caller's frames are below."""

    def done(
        self,
        op: Op,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        flow: Dataflow[Maker],
    ) -> None:
        """An op has run, and is kept."""

    def read(self, op: Op, given: Sequence[torch.Tensor], flow: Dataflow[Maker]) -> None:
        """A function has run that gives no tensor, as `x.item()`; it is not kept."""

    def gave(
        self, call: Call, found: Sequence[tuple[str, torch.Tensor]], flow: Dataflow[Maker]
    ) -> None:
        """A module call returned these tensors; the dataflow knows each of them."""


class CallRecorder:
    """A context in which every module call and every op of this thread is recorded."""

    def __init__(
        self,
        steps: Steps | None = None,
        observer: Observer | None = None,
        wait: Callable[[], None] | None = None,
    ) -> None:
        """`wait`: for a device that is behind, so that what fails on it fails in its own step."""
        self.steps = steps or Steps()
        self.observer = observer
        self.wait = wait
        self.calls: list[Call] = []
        self.failed: Call | None = None
        """The innermost call that the latest exception came out of, or the one that it was
        raised `from`."""
        self._names: dict[type[nn.Module], tuple[str, ...]] = {}
        self._error: BaseException | None = None
        self.results: list[Maker | None] = []
        """What made each tensor of the outermost call's outputs; None for one of its inputs."""
        self.open = -1
        """The index of the innermost call under way."""
        self.is_in_leaf = False
        """One of torch's own leaf modules is at work."""
        self.elsewhere: dict[int, nn.Module] = {}
        """What other threads called meanwhile, by `id`."""
        self.dataflow: Dataflow[Maker] = Dataflow()
        self._op_recorder = OpRecorder(self)
        self._thread = threading.get_ident()

    def __enter__(self) -> CallRecorder:
        call: Any = nn.Module.__call__
        self._redirection = Redirection(call, self._record_instead_of)
        self._op_recorder.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._op_recorder.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        self._redirection.ends()
        if error is None or error is not self._error:
            self.failed = None
        self._op_recorder.forget_failure_unless(error)
        self._error = None

    def _record_instead_of(self, plain_call: Callable[..., Any]) -> Callable[..., Any]:
        self._plain_call = plain_call
        return self._record

    @property
    def ops(self) -> list[Op]:
        """The functional calls, in the order they began."""
        return self._op_recorder.ops

    @property
    def left_out(self) -> int:
        """Ops beyond those that are kept."""
        return self._op_recorder.left_out

    @property
    def failed_op(self) -> Op | None:
        """The op that the exception came out of that ended the forward."""
        return self._op_recorder.failed

    def _record(self, module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != self._thread:
            self.elsewhere[id(module)] = module
            return self._plain_call(module, *args, **kwargs)
        if self.is_in_leaf:
            return self._plain_call(module, *args, **kwargs)
        with unseen():
            call, given = self._begin(module, args, kwargs)
        outer, was_leaf = call.inside, self.is_in_leaf
        is_aside = was_leaf and self._op_recorder.steps_aside()
        try:
            self.steps.pass_one()
            result = self._plain_call(module, *args, **kwargs)
            if self.wait is not None:
                self.wait()
        except BaseException as error:  # whatever a model raises is told at its call
            self._note_failure(error, call)
            raise
        finally:
            if is_aside:
                self._op_recorder.comes_back()
            self.is_in_leaf = False
            self.open = outer
        with unseen():
            self._note_outputs(call, result, given, was_leaf)
        self.steps.pass_one(is_end=True)
        return result

    def _begin(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Call, list[torch.Tensor]]:
        if len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor):
            found = [("", args[0])]  # the only one needs no name
        else:
            found = tensors_in(self._named(module, args, kwargs))
        given = [tensor for _, tensor in found]
        call = Call(module, described(found), inside=self.open)
        if self.open < 0:
            self.dataflow.set_inputs(given)
        self.open = len(self.calls)
        self.calls.append(call)
        if self.observer is not None:
            self.observer.called(call, given)
        self.is_in_leaf = is_leaf_of_torch(module)
        if self.is_in_leaf:
            self.dataflow.used(given, call)
        return call, given

    def _note_failure(self, error: BaseException, call: Call) -> None:
        if error is not self._error:
            if self._error is None or error.__cause__ is not self._error:
                self.failed = call
            self._error = error

    def _note_outputs(
        self, call: Call, result: Any, given: list[torch.Tensor], was_leaf: bool
    ) -> None:
        """A leaf made what it gives; of another module only what nothing was seen to make."""
        found = tensors_in(result)
        call.outputs = described(found)
        made = [tensor for _, tensor in found]
        if was_leaf:
            call.output_bytes = new_bytes(made, given)
            self.dataflow.made(made, call)
        else:
            self.dataflow.made((t for t in made if not self.dataflow.knows(t)), call)
        if self.observer is not None:
            self.observer.gave(call, found, self.dataflow)
        if call.inside < 0:
            self.results = [self.dataflow.maker(tensor) for tensor in made]

    def _named(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """The arguments by the names that `forward` gives them."""
        kind = type(module)
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = argument_names(kind)
        named = {
            names[place] if place < len(names) else str(place): value
            for place, value in enumerate(args)
        }
        return {**named, **kwargs}

    def enclosing(self, call: Call) -> list[Call]:
        """The call and those it was made in, innermost first."""
        chain = [call]
        while chain[-1].inside >= 0:
            chain.append(self.calls[chain[-1].inside])
        return chain
