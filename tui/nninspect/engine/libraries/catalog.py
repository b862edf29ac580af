"""Every library by the word that its targets begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nninspect.engine.libraries import timm_models, torchvision_models, transformers_models
from nninspect.engine.libraries.library import Entry
from nninspect.engine.target import LibraryTarget

_LIBRARIES: Mapping[str, Callable[[str], Entry]] = {
    "torchvision": torchvision_models.find,
    "timm": timm_models.find,
    "hf": transformers_models.find,
}


def find_entry(target: LibraryTarget) -> Entry:
    """The model that a target names. Imports the library. Raises BadTarget."""
    return _LIBRARIES[target.library](target.name)
