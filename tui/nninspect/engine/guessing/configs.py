"""The inputs of a transformers model, from its config; no architecture is known by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from torch import nn

from nninspect.protocol.records import InputSpec

TOKENS = 32
FRAMES = 128
SAMPLES = 16_000
"""Steps of a guessed text, of a spectrogram, and a second of sound."""

MAX_CONFIGS = 32

GRID = "grid_thw"
"""The end of the name of an argument that says how many patches an image has: time, height, width.
"""

GRID_SIDE = 4


def config_of(model: nn.Module) -> Any | None:
    """The model's config, where it has one as transformers' models have."""
    config = getattr(model, "config", None)
    return config if hasattr(config, "model_type") and hasattr(model, "main_input_name") else None


def inputs_of(model: nn.Module) -> Iterator[tuple[InputSpec, ...]]:
    """Candidates: the main input, and what else can't be left out."""
    config = config_of(model)
    if config is None:
        return
    parameters = _parameters(model)
    names = [str(getattr(model, "main_input_name", "input_ids"))]
    names += [name for name, p in parameters.items() if p.default is p.empty and p.name != names[0]]
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in parameters:
        names.append("decoder_input_ids")
    named = [name for name in dict.fromkeys(names) if name in parameters]
    options = [tuple(input_named(name, config)) for name in named]
    if any(name.endswith(GRID) for name in named):
        options[0] = (_patches(named[0], config), *options[0])
    if not all(options) or not options:
        return
    for place in range(max(map(len, options))):
        yield tuple(found[min(place, len(found) - 1)] for found in options)


def _parameters(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = inspect.signature(model.forward).parameters
    return {name: p for name, p in found.items() if p.kind not in variable}


def input_named(name: str, config: Any) -> Iterator[InputSpec]:
    """What an argument of that name takes by transformers' conventions, the likeliest first."""
    for ending, make in _BY_ENDING.items():
        if name.endswith(ending):
            for shape, dtype, low, high in make(config):
                yield InputSpec(shape, dtype, name, low, high)
            return


Made = Iterator[tuple[tuple[int, ...], str, float | None, float | None]]


def _ids(config: Any) -> Made:
    """Ordinary tokens: none that stands for padding, an image or the end."""
    vocabulary = _number(config, "vocab_size") or 2
    special = {
        value
        for one in _configs(config)
        for name, value in _values(one).items()
        if name.endswith(("token_id", "token_index")) and isinstance(value, int)
    }
    edges = [-1, *sorted(one for one in special if 0 <= one < vocabulary), vocabulary]
    low, high = max(((a + 1, b) for a, b in pairwise(edges)), key=lambda pair: pair[1] - pair[0])
    most = _number(config, "max_position_embeddings", "n_positions", "max_seq_len") or TOKENS
    steps = min(TOKENS, most)
    if low < high:
        yield (1, steps), "int64", low, high
        yield (1, 4 * TOKENS), "int64", low, high


def _zeros(config: Any) -> Made:
    for shape, *_ in _ids(config):
        yield shape, "int64", 0, 1


def _ones(config: Any) -> Made:
    for shape, *_ in _ids(config):
        yield shape, "int64", 1, 2


def _boxes(config: Any) -> Made:
    for shape, *_ in _ids(config):
        yield (*shape, 4), "int64", 0, 1


def _pixels(config: Any) -> Made:
    channels = _number(config, "num_channels", "in_channels", "in_chans") or 3
    size = _first(config, "image_size", "img_size", "input_size")
    height, width = _side(size)
    frames = _number(config, "num_frames")
    if frames:
        yield (1, frames, channels, height, width), "float32", None, None
    yield (1, channels, height, width), "float32", None, None
    yield (1, 2, channels, height, width), "float32", None, None


def _side(size: Any) -> tuple[int, int]:
    if isinstance(size, Mapping):
        size = [size.get("height", 224), size.get("width", 224)]
    if isinstance(size, (list, tuple)) and size:
        return int(size[-2 if len(size) > 1 else 0]), int(size[-1])
    return (size, size) if isinstance(size, int) else (224, 224)


def _sound(config: Any) -> Made:
    bins, steps = _number(config, "num_mel_bins"), _number(config, "max_length")
    if bins and steps:
        yield (1, steps, bins), "float32", None, None
    yield (1, SAMPLES), "float32", None, None
    yield (1, 1, SAMPLES), "float32", None, None


def _spectrogram(config: Any) -> Made:
    bins, positions = _number(config, "num_mel_bins"), _number(config, "max_source_positions")
    if bins and positions:
        yield (1, bins, 2 * positions), "float32", None, None
    names = (
        "feature_projection_input_dim", "input_feat_per_channel", "feature_size", "input_dim",
        "num_mel_bins", "hidden_size",
    )  # fmt: skip
    for name in names:
        if width := _number(config, name):
            yield (1, FRAMES, width), "float32", None, None


def _patches(name: str, config: Any) -> InputSpec:
    """Flattened patches of an image, as many as its grid has."""
    side, depth = _number(config, "patch_size") or 1, _number(config, "temporal_patch_size") or 1
    channels = _number(config, "in_channels", "in_chans", "num_channels") or 3
    return InputSpec((GRID_SIDE**3, channels * depth * side**2), "float32", name)


def _grid(config: Any) -> Made:
    yield (1, 3), "int64", GRID_SIDE, GRID_SIDE + 1


def _vectors(config: Any) -> Made:
    width = _number(config, "hidden_size", "d_model", "n_embd") or 1
    for shape, *_ in _ids(config):
        yield (*shape, width), "float32", None, None


_BY_ENDING: Mapping[str, Callable[[Any], Made]] = {
    "token_type_ids": _zeros,
    "position_ids": _zeros,
    "input_ids": _ids,
    "attention_mask": _ones,
    "bbox": _boxes,
    "pixel_values": _pixels,
    "pixel_values_videos": _pixels,
    "input_values": _sound,
    "input_features": _spectrogram,
    GRID: _grid,
    "_embeds": _vectors,
    "hidden_states": _vectors,
    "_ids": _ids,
}
"""By the end of the name: `decoder_input_ids` is tokens as `input_ids` is. The first one counts."""


def _configs(config: Any) -> Iterator[Any]:
    """The config and those within it, outermost first."""
    waiting, seen = [config], 0
    while waiting and seen < MAX_CONFIGS:
        one = waiting.pop(0)
        seen += 1
        yield one
        waiting += [value for value in _values(one).values() if hasattr(value, "model_type")]


def _values(config: Any) -> Mapping[str, Any]:
    return {name: value for name, value in vars(config).items() if not name.startswith("_")}


def _first(config: Any, *names: str) -> Any:
    """The first of these names that the config has, else one within it."""
    for one in _configs(config):
        for name in names:
            if (value := getattr(one, name, None)) is not None:
                return value
    return None


def _number(config: Any, *names: str) -> int | None:
    value = _first(config, *names)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
