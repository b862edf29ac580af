"""Where nninspect keeps a person's files: their config, and what it remembers for them."""

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
    """What may be lost: recent targets, the last crash, the last copy. It is not made here."""
    import platformdirs

    return platformdirs.user_state_path("nninspect")
