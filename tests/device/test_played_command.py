"""The command itself, where torch finds two accelerators: each in turn against the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.device

HERE = Path(__file__).parent
NET = """
import torch
from torch import nn

class Net(nn.Linear):
    def __init__(self):
        super().__init__(64, 256)

    def forward(self, x):
        for _ in range({"cpu": 20, "played:0": 2_000, "played:1": 200}[str(x.device)] * len(x)):
            pass
        return super().forward(x)

class Other(Net):
    def forward(self, x):
        return super().forward(x) + (x.device.index == 1)

class Half(Net):
    def forward(self, x):
        if x.device.index == 1:
            raise RuntimeError("there is no such operator")
        return super().forward(x)
"""


@pytest.fixture(scope="module")
def bench(played_build: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs the command in a folder with `net.py`, where torch loads the played backend."""
    folder = tmp_path_factory.mktemp("command")
    (folder / "net.py").write_text(NET)
    plugin = tmp_path_factory.mktemp("plugin")
    (plugin / "played-0.dist-info").mkdir()
    (plugin / "played-0.dist-info" / "entry_points.txt").write_text(
        "[torch.backends]\nplayed = played_backend:load\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(plugin), str(HERE))),
        "PLAYED_BUILD": played_build,
        "XDG_DATA_HOME": str(folder),
    }

    def run(*options: str, limit: int = 2**40) -> subprocess.CompletedProcess[str]:
        command = (Path(sys.executable).with_name("nninspect"), "bench", *options)
        return subprocess.run(
            (*command, "--input", "1,64", "--quick", "--max-time", "4"),
            cwd=folder,
            env={**environment, "PLAYED_LIMIT": str(limit)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def devices(run: subprocess.CompletedProcess[str]) -> list[tuple[str, bool]]:
    """Of each row, and whether it was measured."""
    found = json.loads(run.stdout)["rows"]
    return [(row["config"]["device"], row["latency"] is not None) for row in found]


def test_each_of_two_is_compared_with_the_cpu_and_the_answer_comes_first(bench: Any) -> None:
    run = bench("net.py:Net", "--devices", "cpu,played:0,played:1")
    assert run.returncode == 0, run.stderr
    headline, _, first, second, *_ = run.stdout.splitlines()
    assert "played:0" in headline
    assert "played:0" in first
    assert "played:1" in second


def test_by_itself_it_takes_the_cpu_and_the_first(bench: Any) -> None:
    run = bench("net.py:Net", "--json")
    assert devices(run) == [("cpu", True), ("played:0", True)]


def test_outputs_that_differ_on_one_withhold_its_speed_up_only(bench: Any) -> None:
    run = bench("net.py:Other", "--devices", "cpu,played:0,played:1")
    assert run.returncode == 0
    assert "no speed-up of played:1 over cpu: the outputs do not agree" in run.stdout
    assert "no speed-up of played:0" not in run.stdout
    assert "played:1, batch 1: its outputs differ from those of cpu, batch 1" in run.stdout


def test_what_fails_on_one_is_its_row_and_the_others_stand(bench: Any) -> None:
    run = bench("net.py:Half", "--devices", "cpu,played:0,played:1", "--json")
    assert run.returncode == 0
    assert devices(run) == [("cpu", True), ("played:0", True), ("played:1", False)]


def test_a_batch_without_room_is_told_with_what_to_do(bench: Any) -> None:
    run = bench("net.py:Net", "--batch", "1,4096", "--modes", "inference", limit=400_000)
    assert run.returncode == 0
    assert "out of memory" in run.stdout
    assert "Use a smaller batch" in run.stdout
