"""What all tests share: processes as users have them, and a worker that need not wait for torch."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Hundreds of processes are started here: compiling what they import would be half of their work.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Threads of torch that spin while they wait take the cores of the tests beside this one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

WARM_WORKER = str(Path(__file__).with_name("warm_worker.py"))
MANY = 100
"""Modules, as a library has them; a test that imports one of ours now and then has fewer."""


def pytest_configure(config: pytest.Config) -> None:
    """As on a machine without a GPU, unless the tests that need one are asked for."""
    if "gpu" not in config.option.markexpr:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_finish() -> None:
    _take_for_granted()


@pytest.fixture(autouse=True, scope="module")
def _libraries_are_not_garbage() -> Iterator[None]:
    """As in the app and in the worker: what an import made, by then or in a test, is not looked
    through at every collection. Benchmarks collect before each round."""
    before = len(sys.modules)
    yield
    if len(sys.modules) > before + MANY or not gc.get_freeze_count():
        _take_for_granted()


def _take_for_granted() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def accelerator() -> Any:
    """The first of this machine, a `torch.device`."""
    import torch

    from nninspect.engine.devices import accelerators, why_no_accelerator

    found = accelerators()
    if not found:
        pytest.skip(f"no accelerator: {why_no_accelerator()}")
    return torch.device(found[0].name)


@pytest.fixture(scope="session")
def warm_worker() -> Iterator[tuple[str, ...]]:
    """The command of a worker that was forked with torch: for tests of what it answers."""
    with tempfile.TemporaryDirectory() as folder:
        socket = str(Path(folder, "socket"))
        server = subprocess.Popen(
            [sys.executable, "-P", WARM_WORKER, "serve", socket],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield (sys.executable, "-I", "-S", WARM_WORKER, "join", socket)
        server.stdin.close()
        server.wait(60)
