"""Where nninspect finds a person's config, and keeps what it remembers."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_VARIABLE = "NNINSPECT_CONFIG"


def config_file() -> Path:
    """The config: what `NNINSPECT_CONFIG` names, else in the user's config directory."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    import platformdirs  # it costs start-up, so only where a place is asked for

    return platformdirs.user_config_path("nninspect") / "config.toml"


def state_folder() -> Path:
    """The user's state directory for what is remembered from run to run; not made yet."""
    import platformdirs

    return platformdirs.user_state_path("nninspect")
