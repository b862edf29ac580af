"""What is copied inside tmux is in its buffer, to be pasted in another pane."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NNINSPECT = str(Path(sys.executable).with_name("nninspect"))
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run a command of a tmux server of our own; what it prints."""

    def run(*arguments: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    yield run
    run("kill-server")


def wait(text: str, tmux: Callable[..., str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while text not in (shown := tmux("capture-pane", "-p")):
        if time.monotonic() > deadline:
            pytest.fail(f"waited for {text!r}; saw:\n{shown}")
        time.sleep(0.1)


def test_the_path_of_a_layer_is_in_the_buffer(tmux: Callable[..., str]) -> None:
    tmux("new-session", "-d", "-x", "100", "-y", "30", f"{NNINSPECT} mlp-module")
    wait("118,282", tmux)
    tmux("send-keys", "j", "y")
    wait("table, Markdown", tmux)
    tmux("send-keys", "y")
    wait("copied path ‹fc1› to tmux buffer", tmux)
    assert tmux("show-buffer") == "fc1"
