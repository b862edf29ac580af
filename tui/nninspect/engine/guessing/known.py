"""Inputs that a model brings with it: an example, or its library's own description of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nninspect.engine.guessing import configs
from nninspect.engine.tensors import dtype_name
from nninspect.errors import Interrupted
from nninspect.protocol.records import InputSpec


@dataclass(frozen=True)
class Guess:
    """Candidate inputs, best first, and what they were read from."""

    candidates: tuple[tuple[InputSpec, ...], ...]
    source: str
    is_example: bool = False
    """The model's own, to be run as it is, whatever comes of it."""


def known_inputs(model: nn.Module) -> Guess | None:
    """The first that the model has: an example, dummy inputs, a library's config."""
    for find in (_example, _dummies, _pretrained_cfg, _transformers, _exported):
        if guess := find(model):
            return guess
    return None


def _example(model: nn.Module) -> Guess | None:
    """Lightning's convention: a tensor, or a tuple or dict of them."""
    specs = tuple(_specs(_held(model, "example_input_array")))
    return Guess((specs,), "the model's example_input_array", is_example=True) if specs else None


def _dummies(model: nn.Module) -> Guess | None:
    """diffusers' convention. That of transformers is the same text for every model."""
    if configs.config_of(model) is not None:
        return None
    specs = tuple(_specs(_held(model, "dummy_inputs")))
    return Guess((specs,), "the model's dummy_inputs", is_example=True) if specs else None


def _held(model: nn.Module, name: str) -> object:
    try:
        return getattr(model, name, None)
    except Interrupted:
        raise
    except BaseException:  # a property of the user's, which may raise anything
        return None


def _specs(example: Any) -> Iterator[InputSpec]:
    if isinstance(example, torch.Tensor):
        yield _like(example, "")
    elif isinstance(example, Mapping):
        named = {str(name): value for name, value in example.items()}
        yield from (
            _like(value, name) for name, value in named.items() if isinstance(value, torch.Tensor)
        )
    elif isinstance(example, (tuple, list)):
        for value in example:
            yield from _specs(value)


def _like(tensor: torch.Tensor, name: str) -> InputSpec:
    """Integers in the range of the example's, which may be indices."""
    dtype = dtype_name(tensor.dtype)
    if tensor.is_floating_point() or tensor.is_complex() or tensor.is_meta or not tensor.numel():
        return InputSpec(tuple(tensor.shape), dtype, name)
    low, high = int(tensor.min()), int(tensor.max()) + 1
    return InputSpec(tuple(tensor.shape), dtype, name, low, high)


def _pretrained_cfg(model: nn.Module) -> Guess | None:
    """timm's convention: `input_size`, channels first."""
    for name in ("pretrained_cfg", "default_cfg"):
        cfg = getattr(model, name, None)
        size = cfg.get("input_size") if isinstance(cfg, Mapping) else None
        if isinstance(size, Sequence) and size and all(isinstance(dim, int) for dim in size):
            return Guess(((InputSpec((1, *size)),),), f"the model's {name}")
    return None


def _exported(model: nn.Module) -> Guess | None:
    """What a program of `torch.export` was traced with; -1 in a shape's place is any size."""
    graph = getattr(model, "graph", None)
    if not isinstance(graph, torch.fx.Graph):
        return None
    traced = [node.meta.get("val") for node in graph.find_nodes(op="placeholder")]
    if not traced or not all(isinstance(each, torch.Tensor) for each in traced):
        return None
    specs = tuple(InputSpec(_sizes(each), dtype_name(each.dtype)) for each in traced)
    return Guess((specs,), "what the model was traced with", is_example=True)


def _sizes(traced: torch.Tensor) -> tuple[int, ...]:
    """As they were; of a size that may be any, what it was then."""
    return tuple(
        size if isinstance(size, int) else int(size.node.hint or 2) for size in traced.shape
    )


def _transformers(model: nn.Module) -> Guess | None:
    candidates = tuple(configs.inputs_of(model))
    return Guess(candidates, "the model's config") if candidates else None
