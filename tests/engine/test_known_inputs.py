"""Inputs that a model brings with it: dummies, timm's description, a transformers config."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.guess import complete, guess_inputs
from nninspect.engine.guessing.configs import inputs_of
from nninspect.text.inputs import format_input

Look = Callable[..., Any]


class Text(nn.Module):
    """As transformers' models are: a config, and the name of the main input."""

    main_input_name = "input_ids"

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**{"model_type": "text", "vocab_size": 100, **config})

    def forward(self, input_ids: Any = None, decoder_input_ids: Any = None) -> None: ...


class Vision(Text):
    main_input_name = "pixel_values"

    def forward(self, pixel_values: Any = None) -> None: ...  # type: ignore[override]


class Patches(Text):
    main_input_name = "hidden_states"

    def forward(self, hidden_states: Any, grid_thw: Any) -> None: ...  # type: ignore[override]


class Sound(Text):
    main_input_name = "input_features"

    def forward(self, input_features: Any = None) -> None: ...  # type: ignore[override]


@pytest.mark.parametrize(
    ("model", "typed"),
    [
        (Text(), "input_ids=int64[0:100]:1x32"),
        (Text(max_position_embeddings=8), "input_ids=int64[0:100]:1x8"),
        (Text(pad_token_id=0, eos_token_id=99), "input_ids=int64[1:99]:1x32"),
        (Text(image_token_index=30), "input_ids=int64[31:100]:1x32"),
        (
            Text(is_encoder_decoder=True),
            "input_ids=int64[0:100]:1x32 decoder_input_ids=int64[0:100]:1x32",
        ),
        (Vision(image_size=96), "pixel_values=1x3x96x96"),
        (Vision(image_size=[64, 48], num_channels=1), "pixel_values=1x1x64x48"),
        (Vision(image_size={"height": 64, "width": 48}), "pixel_values=1x3x64x48"),
        (Vision(image_size=32, num_frames=8), "pixel_values=1x8x3x32x32"),
        (
            Vision(vision_config=SimpleNamespace(model_type="vision", image_size=56)),
            "pixel_values=1x3x56x56",
        ),
        (Patches(patch_size=14, in_channels=3), "hidden_states=64x588 grid_thw=int64[4:5]:1x3"),
        (Sound(num_mel_bins=80, max_source_positions=1500), "input_features=1x80x3000"),
    ],
)
def test_a_config_tells_the_inputs(model: nn.Module, typed: str) -> None:
    assert " ".join(map(format_input, next(inputs_of(model)))) == typed
    assert guess_inputs(model).source == "the model's config"


def test_an_argument_that_was_missing_is_made_from_the_config() -> None:
    completed = complete(Vision(image_size=40), (), ["pixel_values"])
    assert [format_input(spec) for spec in completed] == ["pixel_values=1x3x40x40"]


def test_an_optional_argument_that_turns_out_to_be_needed_is_added(look: Look) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(4, 2), nn.Linear(7, 2)

        def forward(self, x: Tensor | None = None, extra: Tensor | None = None) -> Tensor:
            if extra is None:
                raise ValueError("You have to specify extra")
            return self.left(x) + self.right(extra)

    inspection = look(Net()).inspection
    assert inspection.failure is None
    assert [spec.name for spec in inspection.inputs] == ["", "extra"]


def test_dummy_inputs_keep_their_range(look: Look) -> None:
    model = nn.Sequential(nn.Embedding(9, 2))
    model.dummy_inputs = {"input": torch.tensor([[8, 3, 0]])}
    inspection = look(model).inspection
    assert inspection.inputs_from == "the model's dummy_inputs"
    assert [format_input(spec) for spec in inspection.inputs] == ["input=int64[0:9]:1x3"]


def test_dummy_inputs_that_raise_are_passed_over(look: Look) -> None:
    class Net(nn.Linear):
        @property
        def dummy_inputs(self) -> Tensor:
            raise FileNotFoundError("no sample")

    assert look(Net(4, 2)).inspection.inputs_from.startswith("guessed from")


@pytest.mark.parametrize("name", ["pretrained_cfg", "default_cfg"])
def test_timms_description_tells_the_input_size(name: str, look: Look) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    setattr(model, name, {"input_size": (3, 48, 48)})
    inspection = look(model).inspection
    assert inspection.inputs_from == f"the model's {name}"
    assert inspection.inputs[0].shape == (1, 3, 48, 48)
