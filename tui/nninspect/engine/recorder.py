"""Recording every module call of a forward: what went in, what came out, where it broke.

`nn.Module.__call__` is wrapped for the duration, in this thread only. Hooks would miss keyword
arguments, stay behind when registering fails, and never hear of a call that raises.
"""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from torch import nn

from nninspect.engine.tensors import found_in
from nninspect.protocol.layers import Tensors


@dataclass(slots=True)
class Call:
    """One call of one module, in the order they began. Holds no tensor."""

    module: nn.Module
    inputs: Tensors
    outputs: Tensors | None = None
    """None where the call raised."""
    inside: int = -1
    """The index of the call it was made in; -1 for the outermost."""


class CallRecorder:
    """A context in which every module call of this thread is recorded."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.failed: Call | None = None
        """The innermost call that the latest exception came out of, or the one that it was
        raised `from`."""
        self._names: dict[type[nn.Module], tuple[str, ...]] = {}
        self._error: BaseException | None = None
        self._open = -1
        self._thread = threading.get_ident()

    def __enter__(self) -> CallRecorder:
        self._plain_call = nn.Module.__call__
        recorder, plain_call = self, self._plain_call

        def recorded(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != recorder._thread:
                return plain_call(module, *args, **kwargs)
            return recorder._record(module, args, kwargs)

        nn.Module.__call__ = recorded  # type: ignore[method-assign]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        nn.Module.__call__ = self._plain_call  # type: ignore[method-assign]
        if error is None or error is not self._error:
            self.failed = None
        self._error = None

    def _record(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(module, self._inputs(module, args, kwargs), inside=self._open)
        outer, self._open = self._open, len(self.calls)
        self.calls.append(call)
        try:
            result = self._plain_call(module, *args, **kwargs)
        except BaseException as error:
            if error is not self._error:
                if self._error is None or error.__cause__ is not self._error:
                    self.failed = call
                self._error = error
            raise
        finally:
            self._open = outer
        call.outputs = found_in(result)
        return result

    def _inputs(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensors:
        """The tensors among the arguments, by the names that `forward` gives them."""
        kind = type(module)
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = _argument_names(kind)
        named = {
            names[place] if place < len(names) else str(place): value
            for place, value in enumerate(args)
        }
        return found_in({**named, **kwargs})

    def enclosing(self, call: Call) -> list[Call]:
        """The call and those it was made in, innermost first."""
        chain = [call]
        while chain[-1].inside >= 0:
            chain.append(self.calls[chain[-1].inside])
        return chain


def _argument_names(kind: type[nn.Module]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(kind.forward).parameters.values()
    except (AttributeError, TypeError, ValueError):  # a ScriptModule's has none
        return ()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(p.name for p in positional[1:])
