"""Specs to tensors: the arguments that `forward` is called with."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch

from nninspect.engine.load import SEED
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import DTYPES

Arguments = tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor]]
"""What `forward` gets by position, and by keyword."""


def dtype_named(name: str) -> torch.dtype:
    """ "float16" → torch.float16. Raises BadInput."""
    dtype = getattr(torch, name.removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise BadInput(f"{name!r} is not a dtype", "Use one of " + ", ".join(DTYPES))
    return dtype


def make_arguments(specs: Sequence[InputSpec], device: torch.device) -> Arguments:
    """The same values every time, made on the CPU and moved: (args, kwargs)."""
    generator = torch.Generator().manual_seed(SEED)
    args: list[torch.Tensor] = []
    kwargs: dict[str, torch.Tensor] = {}
    for spec in specs:
        tensor = make_tensor(spec, generator).to(device)
        if spec.name:
            kwargs[spec.name] = tensor
        else:
            args.append(tensor)
    return tuple(args), kwargs


def make_tensor(spec: InputSpec, generator: torch.Generator) -> torch.Tensor:
    """One input: `spec.shape`, normal or in the spec's range."""
    dtype = dtype_named(spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return _floats(spec, dtype, generator)
    low, high = (0 if spec.low is None else int(spec.low)), (2 if spec.high is None else spec.high)
    values = torch.randint(low, int(high), spec.shape, generator=generator)
    return values.to(dtype)


def _floats(spec: InputSpec, dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    if spec.low is None or spec.high is None:
        wide = dtype if dtype.is_complex else torch.float32
        return torch.randn(spec.shape, generator=generator, dtype=wide).to(dtype)
    span = spec.high - spec.low
    return (torch.rand(spec.shape, generator=generator) * span + spec.low).to(dtype)


def as_dtype(specs: Sequence[InputSpec], dtype: str | None) -> tuple[InputSpec, ...]:
    """The specs for a model of that floating dtype: float32 inputs follow it."""
    if dtype is None:
        return tuple(specs)
    return tuple(
        msgspec.structs.replace(spec, dtype=dtype) if spec.dtype == "float32" else spec
        for spec in specs
    )
