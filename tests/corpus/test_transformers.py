"""Architectures of transformers, each tiny and from its config alone: how many get an input."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.guessing.attempt import attempt
from nninspect.engine.load import Loaded
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.protocol.records import Setup

transformers: Any = pytest.importorskip("transformers")
pytestmark = pytest.mark.corpus

CPU = torch.device("cpu")
AIM = 0.90
MIN_ARCHITECTURES = 60
MAX_PARAMETERS = 40_000_000
"""A larger one was not made small by SMALL, and would take too long here."""

SMALL = {
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers"], 4),
    **dict.fromkeys(["encoder_layers", "decoder_layers"], 2),
    **dict.fromkeys(["hidden_size", "d_model", "n_embd", "dim"], 512),
    **dict.fromkeys(["num_attention_heads", "n_head", "n_heads", "num_heads"], 4),
    **dict.fromkeys(["encoder_attention_heads", "decoder_attention_heads"], 4),
    **dict.fromkeys(["num_key_value_heads", "n_kv_heads"], 4),
    **dict.fromkeys(["intermediate_size", "ffn_dim", "d_ff", "n_inner"], 64),
    **dict.fromkeys(["encoder_ffn_dim", "decoder_ffn_dim", "moe_intermediate_size"], 64),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts"], 16),
    "vocab_size": 200,
}
"""Sizes by the names that configs give them; each goes only where a config has the name.

Heads of 512 / 4 = 128 and 16 experts, as rotary sections and top-k by default are made for."""


def tiny_config(kind: type) -> Any:
    """A config of small sizes, its token ids within the vocabulary."""
    default = kind()
    values = {
        name: size for name, size in SMALL.items() if type(getattr(default, name, None)) is int
    }
    for name, value in vars(default).items():
        if name.endswith("token_id") and isinstance(value, int) and value >= 200:
            values[name] = len(values)
    return kind(**values)


def architectures() -> Iterator[tuple[str, type, type]]:
    """(model type, config class, model class) of every architecture that AutoModel builds."""
    auto = transformers.models.auto
    kinds = auto.modeling_auto.MODEL_MAPPING_NAMES
    for name, config in auto.configuration_auto.CONFIG_MAPPING_NAMES.items():
        models = kinds.get(name)
        try:
            model = models if isinstance(models, str) else (models or [None])[0]
            if model:
                yield name, getattr(transformers, config), getattr(transformers, model)
        except Exception:  # it needs a library that is not installed
            continue


def tiny_model(config: type, model: Any) -> nn.Module | None:
    """None where the config does not get small, or makes no model."""
    try:
        made = tiny_config(config)
        with torch.device("meta"):
            size = sum(p.numel() for p in model(made).parameters())
        if size > MAX_PARAMETERS:
            return None
        torch.manual_seed(0)
        return model(made).float()  # type: ignore[no-any-return]
    except Exception:
        return None


def outcome(model: nn.Module) -> str:
    """ "" where an input was found and runs; else what it said."""
    loaded = Loaded(model, None, None, 0.0)
    try:
        with unchanged(model):
            set_mode(model, False)
            specs, _ = choose_inputs(loaded, Setup(target="it"), CPU, lambda stage, fraction: None)
            refusal = attempt(model, specs, CPU)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return refusal.title if refusal else ""


@pytest.mark.filterwarnings("ignore")
def test_nearly_every_architecture_gets_an_input_by_itself() -> None:
    started, found, missed = time.monotonic(), [], {}
    transformers.logging.set_verbosity(logging.CRITICAL)
    for name, config, kind in architectures():
        model = tiny_model(config, kind)
        if model is not None:
            complaint = outcome(model)
            found.append(name)
            if complaint:
                missed[name] = " ".join(complaint.split())
    for name, complaint in missed.items():
        print(f"  {name}: {complaint[:150]}")
    share = 1 - len(missed) / len(found)
    print(f"{len(found) - len(missed)} of {len(found)} architectures got an input ({share:.0%})")
    print(f"in {time.monotonic() - started:.0f} s")
    assert len(found) >= MIN_ARCHITECTURES
    assert share >= AIM
