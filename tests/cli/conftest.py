"""The command, run as a pipe would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nninspect.cli.main import main
from nninspect.client import process

NNINSPECT = str(Path(sys.executable).with_name("nninspect"))


@dataclass(frozen=True)
class Run:
    """How one command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def nninspect(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    warm_worker: tuple[str, ...],
) -> Callable[..., Run]:
    """Run `nninspect` with the arguments in `tmp_path`, without a terminal; in this process, with
    a worker that need not wait for torch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(process.spawn, "__defaults__", (warm_worker,))

    def run(*arguments: str) -> Run:
        capfd.readouterr()
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        return Run(code, *capfd.readouterr())

    return run


@pytest.fixture
def real_nninspect(tmp_path: Path) -> Callable[..., Run]:
    """The same, as a command that is started, with the worker that it starts."""

    def run(*arguments: str) -> Run:
        done = subprocess.run(
            [NNINSPECT, *arguments],
            cwd=tmp_path,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A user's file with a model, a factory, and ways to fail."""
    path = tmp_path / "net.py"
    path.write_text(
        """
import os
from torch import nn

class Net(nn.Module):
    def __init__(self, hidden=4):
        super().__init__()
        print("printed by the model")
        self.first = nn.Linear(3, hidden)
        self.last = nn.Linear(5, 2)

    def forward(self, x):
        return self.last(self.first(x))

def good(hidden=4):
    return nn.Sequential(nn.Linear(3, hidden), nn.ReLU())

def dies():
    os._exit(7)

def raises():
    raise ValueError("out of cheese")
"""
    )
    return path
