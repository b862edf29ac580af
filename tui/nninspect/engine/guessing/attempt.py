"""One try of an input: it ran, or what the model said against it."""

from __future__ import annotations

import inspect
import io
import linecache
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from nninspect.engine.blame import described, message_of
from nninspect.engine.failure import is_out_of_memory
from nninspect.engine.inputs import make_arguments
from nninspect.engine.redirect import Redirection
from nninspect.engine.tensors import dtype_name, shape_of
from nninspect.errors import BadInput, Interrupted
from nninspect.protocol.records import InputSpec

_NOT_THE_INPUTS_FAULT = (ImportError, OSError, MemoryError, NotImplementedError, RecursionError)


@dataclass(frozen=True)
class Got:
    """A tensor that the failing call was given."""

    shape: tuple[int, ...]
    dtype: str
    origin: int = -1
    """The input that it is, or is a view of; -1 for anything computed."""


@dataclass(frozen=True)
class Refusal:
    """Why an input did not run."""

    text: str
    """What the exception says."""
    module: nn.Module | None = None
    """The innermost module whose call raised."""
    got: tuple[Got, ...] = ()
    done: int = 0
    """Module calls that came to their end before."""
    unset: tuple[str, ...] = ()
    """Arguments of the model's `forward` that were left out and may be what was missing."""
    mentioned: tuple[int, ...] = ()
    """Inputs that stand in a failing line as they are, those of the innermost first."""
    is_final: bool = False
    """The environment, or meta, is in the way: no other input would do better."""
    title: str = ""
    """The exception in a line, for people."""


@dataclass
class _Calls:
    """The module calls of a forward: how many ended, and which one failed first."""

    done: int = 0
    error: BaseException | None = None
    module: nn.Module | None = None
    given: tuple[Any, ...] = ()


def attempt(
    model: nn.Module, specs: Sequence[InputSpec], device: torch.device, *, is_heard: bool = False
) -> Refusal | None:
    """Call the model once; None where that went well.

    What it prints goes nowhere unless it is to be heard: the first try is, as a model that hangs
    or crashes says there how far it came.
    """
    try:
        args, kwargs = make_arguments(specs, device)
    except BadInput as error:
        return Refusal(error.message, title=error.message)
    given = [*args, *tensors_of(kwargs)]
    with _counted() as calls, nullcontext() if is_heard else _unheard():
        try:
            result = model(*args, **kwargs)
        except Interrupted:
            raise
        except BaseException as error:  # whatever it is, the model says no to this input
            return _refusal(error, calls, model, specs, given)
    return _split_batch(result, specs, calls)


@contextmanager
def _unheard() -> Iterator[None]:
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _counted() -> Iterator[_Calls]:
    calls = _Calls()
    function: Any = nn.Module.__call__
    redirection = Redirection(function, partial(_counting, calls))
    try:
        yield calls
    finally:
        redirection.ends()
        calls.error, calls.given = None, ()  # with its frames, and what is in them


def _counting(calls: _Calls, plain_call: Callable[..., Any]) -> Callable[..., Any]:
    """A module's call that counts, and keeps what the innermost failure was given."""

    def counted(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        try:
            _check_packed(module, args)
            result = plain_call(module, *args, **kwargs)
        except BaseException as error:  # as above
            known = calls.error
            if known is None or (error is not known and error.__cause__ is not known):
                calls.error, calls.module = error, module
                calls.given = (*map(_unpacked, args), *kwargs.values())
            raise
        calls.done += 1
        return result

    return counted


def _check_packed(module: nn.Module, args: Sequence[Any]) -> None:
    """What torch leaves out: of packed sequences it takes any size, and reads past the weights."""
    if isinstance(module, nn.RNNBase) and args and isinstance(args[0], PackedSequence):
        want, got = module.input_size, args[0].data.shape[-1]
        if want != got:
            raise RuntimeError(f"input.size(-1) must be equal to {want}, got {got}")


def _unpacked(value: Any) -> Any:
    return value.data if isinstance(value, PackedSequence) else value


def _refusal(
    error: BaseException,
    calls: _Calls,
    model: nn.Module,
    specs: Sequence[InputSpec],
    given: Sequence[torch.Tensor],
) -> Refusal:
    tensors = [value for value in calls.given if isinstance(value, torch.Tensor)]
    text = message_of(error)
    return Refusal(
        text=text,
        module=calls.module,
        got=tuple(Got(shape_of(t), dtype_name(t.dtype), _origin(t, given)) for t in tensors),
        done=calls.done,
        unset=_unset(error, text, model, {spec.name for spec in specs}),
        mentioned=_mentioned(error, given),
        is_final=_is_final(error, text),
        title=described(error),
    )


def tensors_of(values: Mapping[Any, Any]) -> Iterator[torch.Tensor]:
    """In the order of their specs, which name the entries of a dict one after another."""
    for value in values.values():
        if isinstance(value, Mapping):
            yield from tensors_of(value)
        elif isinstance(value, (tuple, list)):
            yield from tensors_of(dict(enumerate(value)))
        else:
            yield value


def _origin(tensor: torch.Tensor, given: Sequence[torch.Tensor]) -> int:
    for place, one in enumerate(given):
        if tensor is one or (tensor._base is not None and tensor._base is one):
            return place
    return -1


def _is_final(error: BaseException, text: str) -> bool:
    if isinstance(error, _NOT_THE_INPUTS_FAULT) or is_out_of_memory(error):
        return "not implemented for '" not in text
    return "CUDA error" in text or "meta tensor" in text.lower()


def _unset(error: BaseException, text: str, model: nn.Module, given: set[str]) -> tuple[str, ...]:
    """Arguments that were left out, and that the message or a failing line speaks of while
    they are None; those of the innermost line first."""
    left_out = _optional(model) - given
    named = [name for name in re.findall(r"\w+", text) if name in left_out]
    for frame, summary in reversed(list(_frames(error))):
        held = frame.f_locals
        words = [name for name in re.findall(r"\w+", summary) if name in left_out]
        named += [name for name in words if name in held and held[name] is None]
    return tuple(dict.fromkeys(named))


def _mentioned(error: BaseException, given: Sequence[torch.Tensor]) -> tuple[int, ...]:
    found: list[int] = []
    for frame, summary in reversed(list(_frames(error))):
        held = [frame.f_locals.get(name) for name in dict.fromkeys(re.findall(r"\w+", summary))]
        tensors = [value for value in held if isinstance(value, torch.Tensor)]
        found += (place for value in tensors if (place := _origin(value, given)) >= 0)
    return tuple(dict.fromkeys(found))


def _frames(error: BaseException) -> Iterator[tuple[Any, str]]:
    """Each frame of the traceback, and the source of the statement that it was in."""
    walked = list(traceback.walk_tb(error.__traceback__))
    for (frame, _), summary in zip(walked, traceback.extract_tb(error.__traceback__), strict=True):
        first, last = summary.lineno or 0, summary.end_lineno or summary.lineno or 0
        lines = (linecache.getline(summary.filename, line) for line in range(first, last + 1))
        yield frame, " ".join(lines)


def _optional(model: nn.Module) -> set[str]:
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return set()
    return {p.name for p in parameters if p.default is not p.empty}


def _split_batch(result: Any, specs: Sequence[InputSpec], calls: _Calls) -> Refusal | None:
    """An image of the wrong size that a `view(-1, features)` made several samples of."""
    if not isinstance(result, torch.Tensor) or result.dim() != 2 or len(specs) != 1:
        return None
    batch, rows = specs[0].shape[:1], result.shape[0]
    if len(specs[0].shape) < 4 or batch == (rows,) or rows % batch[0]:
        return None
    return Refusal(f"{batch[0]} sample became {rows} rows", done=calls.done, title="rows")
