"""Specs to tensors: the arguments that `forward` is called with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import torch

from nninspect.engine.load import SEED
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import DTYPES, format_input

Arguments = tuple[tuple[torch.Tensor, ...], dict[str, Any]]
"""What `forward` gets by position, and by keyword: tensors, and dicts and tuples of them."""


def dtype_named(name: str) -> torch.dtype:
    """ "float16" → torch.float16. Raises BadInput."""
    dtype = getattr(torch, name.removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise BadInput(f"{name!r} is not a dtype", "Use one of " + ", ".join(DTYPES))
    return dtype


def make_arguments(specs: Sequence[InputSpec], device: torch.device, seed: int = SEED) -> Arguments:
    """The same values every time for a seed, made on the CPU and moved: (args, kwargs).

    Raises BadInput where a spec can't be made.
    """
    return as_arguments(specs, make_tensors(specs, device, seed))


def make_tensors(
    specs: Sequence[InputSpec], device: torch.device, seed: int = SEED
) -> list[torch.Tensor]:
    """The tensors of `make_arguments`, one a spec."""
    generator = torch.Generator().manual_seed(seed)
    return [_made(spec, generator, device) for spec in specs]


def as_arguments(specs: Sequence[InputSpec], tensors: Sequence[torch.Tensor]) -> Arguments:
    """Tensors by position and by name, as their specs say."""
    args: list[torch.Tensor] = []
    kwargs: dict[str, Any] = {}
    for spec, tensor in zip(specs, tensors, strict=True):
        if spec.name:
            *outer, key = steps_of(spec.name)
            held = kwargs
            for name in outer:
                held = held.setdefault(name, {})
            held[key] = tensor
        else:
            args.append(tensor)
    return tuple(args), {name: _nested(value) for name, value in kwargs.items()}


def steps_of(name: str) -> list[str]:
    """ "batch.image" → ["batch", "image"], "images[0]" → ["images", "[0]"]."""
    return name.replace("[", ".[").split(".")


class Entries(dict[str, Any]):
    """The entries of an argument, as `batch["x"]` and, for a graph's data, as `data.x`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the input has no entry {name}") from None


def with_each(arguments: Arguments, change: Callable[[torch.Tensor], torch.Tensor]) -> Arguments:
    """The same arguments, each tensor changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return change(value)
        if isinstance(value, (tuple, list)):
            return type(value)(map(changed, value))
        return Entries({name: changed(part) for name, part in value.items()})

    args, kwargs = arguments
    return changed(args), {name: changed(value) for name, value in kwargs.items()}


def _nested(value: Any) -> Any:
    """Entries that are numbered are a tuple, "pair.0", or a list, "images[0]"; others a dict."""
    if not isinstance(value, dict):
        return value
    parts = {name: _nested(part) for name, part in value.items()}
    if all(name.isdecimal() for name in parts):
        return tuple(parts[name] for name in sorted(parts, key=int))
    if all(name.startswith("[") for name in parts):
        return [parts[name] for name in sorted(parts, key=lambda name: int(name[1:-1]))]
    return Entries(parts)


def _made(spec: InputSpec, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    try:
        return make_tensor(spec, generator).to(device)
    except BadInput:
        raise
    except Exception as error:  # too large to be had, or to be counted
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(
            f"the input {format_input(spec)} can't be made: {why}", "Give it a smaller shape"
        ) from None


def make_tensor(spec: InputSpec, generator: torch.Generator) -> torch.Tensor:
    """One input: `spec.shape`, normal or in the spec's range. Raises BadInput."""
    dtype = dtype_named(spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return _floats(spec, dtype, generator)
    return _integers(spec, dtype, generator)


def _integers(spec: InputSpec, dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    low = 0 if spec.low is None else math.ceil(spec.low)
    high = low + 2 if spec.high is None else math.ceil(spec.high)
    if low >= high:
        raise BadInput(
            f"there is no integer in the range of {format_input(spec)}",
            "Write it as int64[0:1000]:1x128; the upper number is not in it",
        )
    if dtype is not torch.bool:
        _check_fits(spec, dtype, low, high - 1)
    return torch.randint(low, high, spec.shape, generator=generator, device="cpu").to(dtype)


def _check_fits(spec: InputSpec, dtype: torch.dtype, lowest: int, highest: int) -> None:
    holds = torch.iinfo(dtype)
    if lowest < holds.min or highest > holds.max:
        raise BadInput(
            f"{spec.dtype} can't hold the range of {format_input(spec)}",
            f"It holds {holds.min} to {holds.max}",
        )


def _floats(spec: InputSpec, dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    if spec.low is None or spec.high is None:
        wide = dtype if dtype.is_complex else torch.float32
        return torch.randn(spec.shape, generator=generator, dtype=wide, device="cpu").to(dtype)
    span = spec.high - spec.low
    uniform = torch.rand(spec.shape, generator=generator, dtype=torch.float32, device="cpu")
    return (uniform * span + spec.low).to(dtype)


def as_dtype(specs: Sequence[InputSpec], dtype: str | None) -> tuple[InputSpec, ...]:
    """The specs for a model of that floating dtype: float32 inputs follow it."""
    if dtype is None:
        return tuple(specs)
    return tuple(
        msgspec.structs.replace(spec, dtype=dtype) if spec.dtype == "float32" else spec
        for spec in specs
    )
