"""Beside the import-linter contracts: what a real process has loaded after the real imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

TORCH_SIDE = {"torch", "torchinfo", "numpy", "nninspect.engine", "nninspect.bench"}
UI_SIDE = {"textual", "rich"}
DEAR = {"ssl", "hashlib", "pygments", "importlib.metadata", "plotext"}
"""Megabytes and milliseconds that a start of the app does without."""


def loaded_by(code: str) -> set[str]:
    """The names of all modules that a fresh Python has loaded after running the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n' + ' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_app_loads_nothing_of_torch() -> None:
    assert not loaded_by("import nninspect.ui.app") & TORCH_SIDE


def test_a_start_of_the_app_does_without_what_is_dear() -> None:
    start = "from nninspect.cli.open import load_asyncio; load_asyncio(); import nninspect.ui.app"
    loaded = loaded_by(f"{start}, nninspect.client.connection, nninspect.ui.highlight, asyncio")
    assert not loaded & DEAR


def test_what_the_app_does_without_can_still_be_had() -> None:
    code = "from nninspect.cli.open import load_asyncio; load_asyncio(); import ssl; ssl.SSLContext"
    assert "ssl" in loaded_by(code)


def test_opening_the_picker_loads_nothing_of_torch() -> None:
    code = "from nninspect.plugin import collections; assert collections()[0].cards"
    assert not loaded_by(code) & TORCH_SIDE


@pytest.mark.parametrize("command", ["list", "summary", "bench", "env", "open"])
def test_a_command_loads_neither_torch_nor_the_app(command: str) -> None:
    loaded = loaded_by(f"import nninspect.cli.{command}, nninspect.cli.main")
    assert not loaded & (TORCH_SIDE | UI_SIDE)


def test_running_a_headless_command_in_a_pipe_loads_neither_torch_nor_the_app() -> None:
    loaded = loaded_by("from nninspect.cli.main import main; assert main(['list']) == 0")
    assert not loaded & (TORCH_SIDE | UI_SIDE)


def test_the_worker_loads_nothing_of_the_app() -> None:
    code = "import nninspect.worker.main, nninspect.engine.session, nninspect.bench.run"
    assert not loaded_by(code) & UI_SIDE


def test_the_worker_announces_itself_before_torch_is_loaded() -> None:
    assert "torch" not in loaded_by("import nninspect.worker.main")
