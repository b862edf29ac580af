"""A first input for a model that came without one, from its first layer; always said so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from nninspect.engine.structure import has_forward
from nninspect.engine.tensors import found_in
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import EXAMPLES

NO_INPUT = "forward needs no input"

SEQUENCE = 16
"""Steps of a guessed sequence."""

SIDES_1D = (128, 1024, 16_000)
SIDES_2D = (32, 28, 64, 224, 96, 128, 256, 299)
SIDES_3D = (16, 32, 64)
"""Spatial sides to try, the commonest data sets' first."""


@dataclass(frozen=True)
class Guess:
    """Candidate inputs, best first, and what they were read from."""

    candidates: tuple[tuple[InputSpec, ...], ...]
    source: str


def guess_inputs(model: nn.Module) -> Guess:
    """Candidates to try in order. Raises BadInput, with what to type, where there are none."""
    if example := _example(model):
        return Guess((example,), "the model's example_input_array")
    takes = _arguments(model)
    if not takes:
        return Guess(((),), NO_INPUT)
    names = required_arguments(model)
    path, leaf = _first_layer(model)
    candidates = [(spec,) for spec in _candidates(leaf)] if leaf is not None else []
    if len(names) > 1 or (names and not candidates):
        raise _unknown(model, names)
    layer = f"{path} {type(leaf).__name__}({leaf.extra_repr()})".strip() if leaf else ""
    if all(p.default is not p.empty for p in takes):
        return Guess((*candidates, ()), f"guessed from {layer}" if candidates else NO_INPUT)
    return Guess(tuple(candidates), f"guessed from {layer}")


def choose(
    guess: Guess, works: Callable[[Sequence[InputSpec]], bool]
) -> tuple[tuple[InputSpec, ...], str]:
    """The first candidate that works, and how it was found; the first of all where none does."""
    for specs in guess.candidates:
        if len(guess.candidates) == 1 or works(specs):
            return specs, guess.source if specs else NO_INPUT
    return guess.candidates[0], f"{guess.source}; none of {len(guess.candidates)} guesses ran"


def _arguments(model: nn.Module) -> list[inspect.Parameter]:
    """What `forward` takes by position or by a name of its own; its `*args` where that is all."""
    if not has_forward(model):
        return []
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY)]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [p for p in parameters if p.kind not in variable]
    return named or [p for p in parameters if p.kind is p.VAR_POSITIONAL]


def required_arguments(model: nn.Module) -> list[str]:
    """The arguments that `forward` can't do without."""
    return [p.name for p in _arguments(model) if p.default is p.empty]


def _unknown(model: nn.Module, names: Sequence[str]) -> BadInput:
    takes = ", ".join(names)
    typed = " ".join(f"--input {name}=1x…" for name in names) if len(names) > 1 else EXAMPLES
    return BadInput(
        f"the forward of {type(model).__name__} takes {takes}, and no input was given",
        f"Say what to feed it: {typed}",
    )


def _example(model: nn.Module) -> tuple[InputSpec, ...]:
    """Lightning's convention: a tensor, or a tuple or dict of them."""
    example: Any = getattr(model, "example_input_array", None)
    by_name = isinstance(example, dict)
    return tuple(
        InputSpec(tensor.shape, tensor.dtype, tensor.key if by_name else "")
        for tensor in found_in(example)
    )


def _first_layer(model: nn.Module) -> tuple[str, nn.Module | None]:
    for path, module in model.named_modules():
        if isinstance(module, LazyModuleMixin):
            return "", None  # it learns its shape from the first input, so a wrong guess would stay
        if any(p is not None for p in module._parameters.values()) and any(_candidates(module)):
            return path, module
    return "", None


def _candidates(layer: nn.Module) -> Iterator[InputSpec]:
    """Inputs that a layer of this kind takes first in a network, batch of one."""
    match layer:
        case nn.Linear():
            yield InputSpec((1, layer.in_features))
            yield InputSpec((1, SEQUENCE, layer.in_features))
        case nn.Conv1d() | nn.ConvTranspose1d():
            yield from _images(layer.in_channels, SIDES_1D, 1)
        case nn.Conv2d() | nn.ConvTranspose2d():
            yield from _images(layer.in_channels, SIDES_2D, 2)
        case nn.Conv3d() | nn.ConvTranspose3d():
            yield from _images(layer.in_channels, SIDES_3D, 3)
        case nn.Embedding() | nn.EmbeddingBag():
            yield InputSpec((1, SEQUENCE), "int64", "", 0, layer.num_embeddings)
            yield InputSpec((1,), "int64", "", 0, layer.num_embeddings)
        case nn.RNNBase():
            shape = (1, SEQUENCE, layer.input_size)
            if layer.batch_first:
                yield InputSpec(shape)
            else:
                yield InputSpec((SEQUENCE, 1, layer.input_size), batch_dim=1)
        case nn.RNNCellBase():
            yield InputSpec((1, layer.input_size))
        case nn.MultiheadAttention():
            yield InputSpec((1, SEQUENCE, layer.embed_dim))
        case nn.LayerNorm() | nn.RMSNorm():
            yield InputSpec((1, *layer.normalized_shape))
            yield InputSpec((1, SEQUENCE, *layer.normalized_shape))
        case nn.BatchNorm1d():
            yield InputSpec((2, layer.num_features))
            yield InputSpec((2, layer.num_features, SEQUENCE))
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            yield from _images(layer.num_features, SIDES_2D, 2)
        case nn.BatchNorm3d() | nn.InstanceNorm3d():
            yield from _images(layer.num_features, SIDES_3D, 3)
        case nn.InstanceNorm1d():
            yield from _images(layer.num_features, SIDES_1D, 1)
        case nn.GroupNorm():
            yield from _images(layer.num_channels, SIDES_2D, 2)


def _images(channels: int, sides: Sequence[int], dims: int) -> Iterator[InputSpec]:
    for side in sides:
        yield InputSpec((1, channels) + (side,) * dims)
