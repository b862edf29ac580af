"""What an argument of `forward` takes, by its name and its annotation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from torch import nn

from nninspect.engine.guessing.layers import SEQUENCE, candidates, first_layer
from nninspect.engine.guessing.reading.options import options_of, ordered
from nninspect.engine.guessing.reading.values import Reading
from nninspect.engine.structure import has_forward
from nninspect.protocol.records import InputSpec


@dataclass(frozen=True)
class Options:
    """What one argument may take, the likeliest first, and what told so."""

    specs: tuple[InputSpec, ...]
    source: str


def taken(model: nn.Module) -> list[inspect.Parameter]:
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
    return [p.name for p in taken(model) if p.default is p.empty]


def options_for(
    model: nn.Module, name: str, annotation: object, reading: Reading | None = None
) -> Options:
    """Inputs for one argument: its annotation's, those of the layer that it goes into as it is,
    its name's, what else is read of it, else the first layer's."""
    if annotated := _by_annotation(annotation):
        return Options((annotated,), f"the annotation of {name}")
    named = tuple(by_name(model, name))
    if reading is not None and (found := options_of(reading, whole=True)):
        return _of_reading(model, reading, _as_named(found, named))
    if named:
        return Options(named, f"the name {name}")
    reading = reading or Reading()
    if found := options_of(reading, whole=False):
        return _of_reading(model, reading, found)
    path, layer = _layer_for(model, name)
    if layer is not None:
        return Options(ordered(tuple(candidates(layer)), reading), _described(path, layer))
    return Options((), "")


def _as_named(found: tuple[InputSpec, ...], named: tuple[InputSpec, ...]) -> tuple[InputSpec, ...]:
    """One index a sample where the name says so: a user, a class label."""
    is_one = [one.dtype == "int64" and one.shape == (1,) for one in named]
    return tuple(sorted(found, key=lambda spec: spec.shape != (1,))) if any(is_one) else found


def _of_reading(model: nn.Module, reading: Reading, found: tuple[InputSpec, ...]) -> Options:
    layer = next((use.layer for use in reading.uses), None)
    paths = (path for path, module in model.named_modules() if module is layer)
    path = next(paths, None)
    if path is not None and isinstance(layer, nn.Module):
        return Options(found, _described(path, layer))
    return Options(found, "the source of forward")


def _described(path: str, layer: nn.Module) -> str:
    return f"{path} {type(layer).__name__}({layer.extra_repr()})".strip()


def _by_annotation(annotation: object) -> InputSpec | None:
    """Numbers go as tensors without dimensions, which Python takes for numbers."""
    kind = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    match kind:
        case "int":
            return InputSpec((), "int64", low=1, high=2)
        case "float":
            return InputSpec((), "float32", low=0.5, high=1)
        case "bool":
            return InputSpec((), "bool", low=0, high=1)
        case _:
            return None


def by_name(model: nn.Module, name: str) -> Iterator[InputSpec]:
    """What arguments of that name mostly take; nothing for most names."""
    for pattern, specs in _NAMES:
        if re.search(pattern, name.lower()):
            yield from specs(model)
            return


def _tokens(model: nn.Module) -> Iterator[InputSpec]:
    for layer in model.modules():
        if isinstance(layer, (nn.Embedding, nn.EmbeddingBag)):
            yield InputSpec((1, SEQUENCE), "int64", "", 0, layer.num_embeddings)
            return


def _one_integer(model: nn.Module) -> Iterator[InputSpec]:
    for spec in _tokens(model):
        yield msgspec.structs.replace(spec, shape=(1,))


def _padding(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1, SEQUENCE), "bool", low=0, high=1)


def _numeric_mask(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1, SEQUENCE), "int64", low=1, high=2)


def _mask(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1, SEQUENCE), "bool", low=1, high=2)
    yield InputSpec((1, 1, SEQUENCE, SEQUENCE), "bool", low=1, high=2)
    yield InputSpec((SEQUENCE, SEQUENCE), "bool", low=1, high=2)
    yield InputSpec((1, SEQUENCE), "float32", low=1, high=2)
    yield InputSpec((1,), "bool", low=1, high=2)


def _square_mask(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((SEQUENCE, SEQUENCE), "bool", low=0, high=1)


def _lengths(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1,), "int64", "", SEQUENCE, SEQUENCE + 1)


def _offsets(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1,), "int64", low=0, high=1)


def _steps(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1,), "int64", "", 0, SEQUENCE)
    yield InputSpec((1,), "float32", "", 0, 1)
    yield InputSpec((1, 1), "float32", "", 0, 1)


def _edges(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((2, SEQUENCE), "int64", "", 0, 1, batch_dim=1)


def _adjacency(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((SEQUENCE, SEQUENCE), "float32", "", 0, 1)
    yield InputSpec((1, 1), "float32", "", 0, 1)
    yield InputSpec((1, SEQUENCE, SEQUENCE), "float32", "", 0, 1)


def _regions(model: nn.Module) -> Iterator[InputSpec]:
    yield InputSpec((1, 5), "float32", "", 0, 16)
    yield InputSpec((1, 4), "float32", "", 0, 16)


def _boxes(model: nn.Module) -> Iterator[InputSpec]:
    yield from reversed(tuple(_regions(model)))


def _state(model: nn.Module) -> Iterator[InputSpec]:
    for layer in model.modules():
        if isinstance(layer, nn.RNNBase):
            ways = 2 if layer.bidirectional else 1
            shape = (layer.num_layers * ways, 1, layer.hidden_size)
            yield InputSpec(shape, batch_dim=1)
            return
        if isinstance(layer, nn.RNNCellBase):
            yield InputSpec((1, layer.hidden_size))
            return


_NAMES: tuple[tuple[str, Callable[[nn.Module], Iterator[InputSpec]]], ...] = (
    (r"padding_mask$", _padding),
    (r"^(?:src|tgt|attn|causal|memory)_mask$", _square_mask),
    (r"attention_mask$", _numeric_mask),
    (r"mask", _mask),
    (r"(?:^|_)len(?:gth)?s?$", _lengths),
    (r"^offsets$", _offsets),
    (r"^edge_index", _edges),
    (r"^adj(?:acency)?(?:_?mat(?:rix)?)?$", _adjacency),
    (r"^(?:t|time|timesteps?|time_steps?|step|sigmas?|noise_level)$", _steps),
    (r"(?:^|_)rois?$", _regions),
    (r"(?:^|_)(?:b|bounding_?)?box(?:es)?$|^proposals$", _boxes),
    (r"^(?:h|hx|h_?0|hidden|hidden_states?|state|prev_state)$", _state),
    (r"^(?:class_labels?|labels?|cond(?:ition)?|class_ids?|users?|items?|y)$", _one_integer),
    (r"(?:^|_)(?:user|item|class)_?(?:ids?|index|idx)$", _one_integer),
    (
        r"(?:^|_)(?:ids?|idx|indices|index|tokens?|words?|text|sentences?|question|prompt|"
        r"source|src|target|tgt|trg|chars?|codes?|captions?)$",
        _tokens,
    ),
)
"""The first pattern that an argument's name fits tells its kind; a kind may have no options
in a model without the layers for it."""


def _layer_for(model: nn.Module, name: str) -> tuple[str, nn.Module | None]:
    """The first layer of the part that is named as the argument is, else of the whole."""
    for path, part in model.named_children():
        words = {word.rstrip("s") for word in path.lower().split("_")}
        if len(name) > 1 and words & {word.rstrip("s") for word in name.lower().split("_")}:
            below, layer = first_layer(part)
            if layer is not None:
                return ".".join(filter(None, (path, below))), layer
    return first_layer(model)
