"""The played devices, built once and kept with pytest's cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = "import sys, played_backend; played_backend.build(sys.argv[1])"


@pytest.fixture(scope="session")
def played_build(request: pytest.FixtureRequest) -> str:
    """The folder of the build; skips where there is nothing to build with."""
    for tool in ("g++", "ninja"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} to build the device with")
    cache = request.config.cache
    assert cache is not None
    folder = str(cache.mkdir("played_devices"))
    built = subprocess.run(
        (sys.executable, "-c", BUILD, folder),
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    return folder
