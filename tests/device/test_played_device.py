"""A benchmark on a device that torch takes for an accelerator: moves, events, memory, and its end.

The device is built from C++ once, which takes half a minute: `make device`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.device

HERE = Path(__file__).parent
NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 8))
"""
WEIGHTS = 4 * (64 * 256 + 256 + 256 * 8 + 8)
EACH = 4 * (64 + 256 + 256 + 8)
"""Bytes a sample: the input, the activations, the output."""
SMALL, LARGE = 8, 8192
LIMIT = 1_500_000


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, played_build: str) -> Any:
    folder = tmp_path_factory.mktemp("played")
    (folder / "net.py").write_text(NET)
    command = (sys.executable, HERE / "played.py", played_build, f"{SMALL},{LARGE}", str(LIMIT))
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


def row(found: Any, device: str, batch: int, mode: str = "inference") -> Any:
    return next(
        each
        for each in found["result"]["rows"]
        if (each["config"]["device"], each["config"]["batch"], each["config"]["mode"])
        == (device, batch, mode)
    )


def test_the_device_is_timed_compared_and_agrees_with_the_cpu(found: Any) -> None:
    played = row(found, "played:0", SMALL)
    assert played["error"] is None
    assert played["compare"]["against"]["device"] == "cpu"
    assert played["compare"]["n_pairs"] == 6
    assert played["compare_with_transfers"]["n_pairs"] == 6
    assert played["agreement"]["max_error"] == 0


def test_events_tell_the_time_between_enqueueing_and_the_end(found: Any) -> None:
    parts = row(found, "played:0", SMALL)["accelerator"]
    assert parts["device_s"] > 0
    assert parts["h2d_s"] > 0
    assert parts["d2h_s"] > 0
    assert parts["end_to_end_s"] >= parts["enqueue_s"] / 2
    named = {each["part"] for each in parts["intervals"]}
    assert named >= {"enqueue_s", "device_s", "h2d_s", "d2h_s", "end_to_end_s"}


def test_the_peak_is_of_weights_inputs_and_activations(found: Any) -> None:
    peak = row(found, "played:0", SMALL)["memory"]["peak_allocated_bytes"]
    assert WEIGHTS + SMALL * 4 * 64 < peak <= WEIGHTS + 2 * SMALL * EACH


def test_layers_are_timed_by_events_and_hold_what_they_compute(found: Any) -> None:
    layers = row(found, "played:0", SMALL)["layers"]["layers"]
    assert {each["path"] for each in layers} == {"", "0", "1", "2"}
    first = next(each for each in layers if each["path"] == "0")
    assert first["flops"] == 2 * SMALL * (64 + 1) * 256


def test_out_of_memory_is_a_row_and_the_memory_is_given_back(found: Any) -> None:
    full = row(found, "played:0", LARGE)
    assert full["latency"] is None
    assert full["error"]["kind"] == "OutOfMemory"
    assert row(found, "cpu", LARGE)["error"] is None
    assert found["held"] == 0


def test_a_training_step_runs_on_it_and_is_told_in_parts(found: Any) -> None:
    train = row(found, "played:0", SMALL, "train")
    assert train["error"] is None
    assert min(train["train"][each] for each in ("forward_s", "backward_s", "optimizer_s")) > 0


def test_the_largest_batch_is_found_by_its_own_out_of_memory(found: Any) -> None:
    inference = next(
        each
        for each in found["result"]["largest"]
        if each["series"] == {"device": "played:0", "mode": "inference"}
    )
    room = (LIMIT - WEIGHTS) / EACH
    assert inference["batch"] is not None
    assert inference["attempts"] <= 12
    assert inference["too_large"] - inference["batch"] <= max(1, 0.02 * inference["too_large"])
    assert 0.5 * room < inference["batch"] < 2 * room
    assert inference["peak_bytes"] <= LIMIT


def test_a_look_tells_a_full_device_at_its_layer_and_gives_the_memory_back(found: Any) -> None:
    """The inputs fit once and not twice, and the failure holds what its frames hold."""
    looks = found["looks"]
    assert looks["failures"] == [None, None]
    assert looks["where"] == "0"
    assert "smaller batch" in looks["hint"]
    assert looks["bytes"] == [WEIGHTS, WEIGHTS, 0]
    kept = WEIGHTS  # to be brought back after the look
    assert LIMIT - WEIGHTS - kept - 3 * SMALL * EACH < looks["free"] < LIMIT - WEIGHTS
