"""torchvision's registry: `torchvision:resnet50`."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from torch import nn

from nninspect.engine.libraries.importing import import_library
from nninspect.engine.libraries.library import Entry
from nninspect.errors import BadTarget
from nninspect.protocol.records import InputSpec
from nninspect.text.suggest import did_you_mean

USUAL_SIDE = 224
WEIGHTS = ("weights", "weights_backbone")
"""None for each: a detector's backbone has weights of its own, downloaded where nothing is said."""

CLIP_FRAMES = 16
"""Frames of a video that the classifiers of videos are trained on."""


def find(name: str) -> Entry:
    """Raises BadTarget where there is no torchvision, or no such model in it."""
    models: ModuleType = import_library("torchvision").models
    known = list(models.list_models())
    if name not in known:
        raise BadTarget(
            f"torchvision has no model {name!r}" if name else "torchvision: names no model",
            did_you_mean(name, known) or "Type one as torchvision:resnet50",
        )
    builder = models.get_model_builder(name)
    weights = [key for key in WEIGHTS if key in inspect.signature(builder).parameters]

    def build(**settings: Any) -> nn.Module:
        made: nn.Module = builder(**dict.fromkeys(weights), **settings)
        return made

    inputs = _usual_inputs(models, name, builder.__module__)
    return Entry(build, inputs, "torchvision's usual size" if inputs else "")


def _usual_inputs(models: ModuleType, name: str, module: str) -> tuple[InputSpec, ...]:
    """One image, or clip, of the size that the published weights expect."""
    if "optical_flow" in module:
        return ()  # two images, which their forward names
    side = _side(models.get_model_weights(name))
    if "video" in module:
        return (InputSpec((1, 3, CLIP_FRAMES, *side)),)
    return (InputSpec((1, 3, *side)),)


def _side(weights: Any) -> tuple[int, int]:
    """Height and width after the weights' own transforms; the usual ones where they crop none."""
    published = list(weights)
    transforms = published[-1].transforms() if published else None
    crop = list(getattr(transforms, "crop_size", None) or [USUAL_SIDE])
    return (crop[0], crop[-1])
