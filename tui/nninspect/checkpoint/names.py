"""Which targets are files of weights, told from their names; a directory by what is in it."""

from __future__ import annotations

import os
from pathlib import Path

INDEX = ".index.json"
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".gguf", ".onnx")
_METADATA = ".metadata"
_CONFIG = "config.json"
"""With it a directory is a model of transformers, of which the weights aren't read."""


def names_checkpoint(target: str) -> bool:
    """Whether the target is a file of weights, an index, or a directory of them."""
    path = Path(os.path.expanduser(target.strip()))
    if path.name.endswith((INDEX, *SUFFIXES)):
        return True
    try:
        names = os.listdir(path) if path.is_dir() else []
    except (OSError, ValueError):
        return False
    if _CONFIG in names:
        return False
    return _METADATA in names or any(name.endswith((INDEX, *SUFFIXES)) for name in names)
