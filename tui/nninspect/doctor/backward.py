"""Evidence from backwards: what gradient arrives where, and which op of the forward is to blame."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from nninspect.doctor.roles import Role, name_of, role_of
from nninspect.doctor.values import extremes
from nninspect.engine.blame import described
from nninspect.engine.tensors import tensors_in
from nninspect.errors import Interrupted

MAX_WATCHED = 2_000
"""Layer calls whose gradient is measured: a loop over time steps needs no more."""
JITTER = 0.1
"""The deviation of what is added to constant parameters."""

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_FUNCTION = re.compile(r"(?P<name>\w+?)Backward\d*")


class Arrived(NamedTuple):
    """The gradient at the output of one call of an affine layer."""

    path: str
    norm: float
    """L2, over all elements of the batch: a mean over a map lowers it less than each element."""


@dataclass(frozen=True)
class Gradients:
    """One backward from a random projection of every floating output."""

    of: dict[str, torch.Tensor | None] = field(default_factory=dict)
    """By the name of each trainable parameter; None where nothing reached it."""
    arrived: tuple[Arrived, ...] = ()
    """At each call of an affine layer that a gradient came to, in the order of the forward."""
    error: BaseException | None = None
    has_path: bool = True
    """Some output depends on some parameter."""
    outputs: tuple[tuple[str, torch.Tensor], ...] | None = None
    """Keys and detached tensors of the forward; None where it did not come to an end."""

    @property
    def failure(self) -> str:
        """The exception in a line; "" where it worked."""
        return "" if self.error is None else described(self.error)


class Blame(NamedTuple):
    """What autograd's anomaly mode says of a backward that goes wrong."""

    function: str
    """The op of the forward: "sqrt", "sigmoid"; "" where it does not tell."""
    frames: tuple[tuple[str, int], ...]
    """Files and lines of its call, outermost first."""


def backward(model: nn.Module, arguments: Any) -> Gradients:
    """One forward and backward; a plain sum would hide what a softmax does. Gradients of the
    parameters, and hooks, are the caller's to clear away."""
    outputs = None
    try:
        arrived = _watch(model)
        args, kwargs = arguments
        found = tensors_in(model(*args, **kwargs))
        outputs = tuple((key, tensor.detach().clone()) for key, tensor in found)
        loss = _projected(tensor for _, tensor in found)
        if loss is None:
            return Gradients(has_path=False, outputs=outputs)
        loss.backward()
    except Interrupted:
        raise
    except BaseException as error:  # whatever it is, the model's code raised it
        return Gradients(error=error, outputs=outputs)
    return Gradients(
        {name: p.grad for name, p in model.named_parameters() if p.requires_grad},
        tuple(Arrived(path, norm) for path, norm in arrived if norm is not None),
        outputs=outputs,
    )


def blame(model: nn.Module, arguments: Any) -> Blame | None:
    """The op of the forward at which a backward fails or first makes a NaN; None if none does."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with torch.autograd.detect_anomaly():
                args, kwargs = arguments
                loss = _projected(tensor for _, tensor in tensors_in(model(*args, **kwargs)))
                if loss is not None:
                    loss.backward()
        except RuntimeError as error:
            return _blame(str(error), [str(warning.message) for warning in said])
    return None


def _blame(message: str, warned: Sequence[str]) -> Blame:
    told = [text for text in warned if "Traceback of forward call" in text]
    frames = _FRAME.findall(told[0]) if told else []
    name = _FUNCTION.search(told[0] if told else message)
    function = name["name"] if name else ""
    return Blame(function.lower(), tuple((file, int(line)) for file, line in frames))


@contextmanager
def jittered(model: nn.Module) -> Iterator[None]:
    """Within it, parameters of one value throughout have a little noise: a branch that starts
    at zero would hide what the gradient behind it would be."""
    constant = [
        parameter
        for parameter in model.parameters()
        if (known := extremes(parameter)) and known.is_constant
    ]
    before = [parameter.detach().clone() for parameter in constant]
    with torch.no_grad():
        for parameter in constant:
            parameter.add_(torch.randn_like(parameter), alpha=JITTER)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(constant, before, strict=True):
                parameter.copy_(value)


def _projected(tensors: Iterable[torch.Tensor]) -> torch.Tensor | None:
    """A random projection of all that can be trained; None where nothing can."""
    outputs = [tensor for tensor in tensors if tensor.is_floating_point() and tensor.requires_grad]
    if not outputs:
        return None
    parts = ((tensor * torch.randn_like(tensor)).sum() for tensor in outputs)
    return sum(parts, start=outputs[0].new_zeros(()))


def _watch(model: nn.Module) -> list[tuple[str, float | None]]:
    """Hook the affine layers; the list fills as they are called, then with what arrives."""
    found: list[tuple[str, float | None]] = []

    def watch(path: str, output: Any) -> None:
        if not isinstance(output, torch.Tensor) or not output.requires_grad:
            return
        if len(found) < MAX_WATCHED:
            place = len(found)
            found.append((path, None))

            def arrive(gradient: torch.Tensor) -> None:
                norm = torch.linalg.vector_norm(gradient.detach(), dtype=torch.float64)
                found[place] = (path, float(norm))

            output.register_hook(arrive)

    for path, module in model.named_modules():
        if role_of(name_of(module)) is Role.AFFINE:
            module.register_forward_hook(lambda _, args, output, path=path: watch(path, output))
    return found
