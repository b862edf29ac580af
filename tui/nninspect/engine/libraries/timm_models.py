"""timm's registry: `timm:vit_base_patch16_224`."""

from __future__ import annotations

from typing import Any

from torch import nn

from nninspect.engine.libraries.importing import import_library
from nninspect.engine.libraries.library import Entry
from nninspect.errors import BadTarget
from nninspect.text.suggest import did_you_mean


def find(name: str) -> Entry:
    """Raises BadTarget where there is no timm, or no such model in it.

    The inputs are the built model's to tell: its `pretrained_cfg` has them.
    """
    timm = import_library("timm")
    architecture, _, tag = name.partition(".")
    known = list(timm.list_models())
    if architecture not in known:
        raise BadTarget(
            f"timm has no model {architecture!r}" if name else "timm: names no model",
            did_you_mean(architecture, known) or "Type one as timm:resnet50",
        )
    tags = list(timm.list_pretrained(f"{architecture}.*")) if tag else []
    if tag and name not in tags:
        raise BadTarget(
            f"timm has no weights {tag!r} of {architecture}",
            did_you_mean(name, tags) or f"Leave them out: timm:{architecture}",
        )

    def build(**settings: Any) -> nn.Module:
        made: nn.Module = timm.create_model(name, pretrained=False, **settings)
        return made

    return Entry(build)
