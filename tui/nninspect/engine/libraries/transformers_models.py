"""transformers' architectures from a config alone: `hf:path/to/model` or its `config.json`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from nninspect.engine.libraries.importing import import_library
from nninspect.engine.libraries.library import Entry
from nninspect.errors import BadTarget
from nninspect.text.suggest import did_you_mean

MAX_BYTES = 16 * 2**20
"""A config is some kilobytes; a longer file is something else."""


def find(path: str) -> Entry:
    """Raises BadTarget where there is no transformers, or no architecture of its own in the
    config: code that comes with a model is never run."""
    described = _read(path)
    transformers = import_library("transformers")
    config = _config(transformers, described, path)
    names = described.get("architectures") or []
    kind = getattr(transformers, names[0], None) if names else None
    if names and kind is None:
        raise _unknown(transformers, names[0], described, path)

    def build(**settings: Any) -> nn.Module:
        make = transformers.AutoModel.from_config if kind is None else kind._from_config
        made: nn.Module = make(_config(transformers, described | settings, path))
        return made

    build.__signature__ = _settings_of(config)  # type: ignore[attr-defined]
    return Entry(build, note=_left_out(described))


def _settings_of(config: Any) -> inspect.Signature:
    """What `--set` can change: every value of the config."""
    names = [name for name in config.to_dict() if name.isidentifier()]
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names])


def _read(path: str) -> dict[str, Any]:
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES >> 20} MiB")
        described = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadTarget(f"{path} can't be read as JSON: {error}", "Is it a config.json?") from None
    if not isinstance(described, dict) or not isinstance(described.get("model_type"), str):
        raise BadTarget(
            f"{path} names no model_type, so it is not a config of transformers",
            "Name the config.json that stands beside a model's weights.",
        )
    return described


def _config(transformers: ModuleType, described: Mapping[str, Any], path: str) -> Any:
    """The config, as `from_dict` reads it: without the network, and without code of its own."""
    kinds: Any = transformers.models.auto.configuration_auto.CONFIG_MAPPING
    name = described["model_type"]
    if name not in kinds:
        raise _unknown(transformers, name, described, path)
    plain = {key: described[key] for key in described.keys() - {"auto_map", "quantization_config"}}
    try:
        return kinds[name].from_dict(plain)
    except Exception as error:  # each config checks its values in its own way
        raise BadTarget(
            f"transformers refuses {path}: {' '.join(str(error).split())}",
            "Mend the config, or use the release of transformers that it was written with"
            + (f": {written}" if (written := described.get("transformers_version")) else "."),
        ) from None


def _unknown(
    transformers: ModuleType, name: str, described: Mapping[str, Any], path: str
) -> BadTarget:
    version = transformers.__version__
    if described.get("auto_map"):
        return BadTarget(
            f"{name} is not an architecture of transformers {version}, and the code that comes "
            f"with {path} (auto_map) is not run",
            "Read that code, then name its class: path/to/modeling_file.py:Class",
        )
    known = [known for known in dir(transformers) if not known.startswith("_")]
    return BadTarget(
        f"transformers {version} has no architecture {name}",
        did_you_mean(name, known) or "A newer one may have it: pip install -U transformers",
    )


def _left_out(described: Mapping[str, Any]) -> str:
    """A quantized model is shown in its plain dtype: the packed weights are the checkpoint's."""
    return "quantization_config is left out" if described.get("quantization_config") else ""
