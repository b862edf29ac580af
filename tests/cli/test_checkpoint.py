"""`nninspect summary FILE`: what is in a file of weights, and whether it fits a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nninspect.cli.exit_codes import DIFFERENT, OK, USAGE

Command = Callable[..., Any]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Of net.py:good, with a block of four equal layers beside it and a name that would draw."""
    shapes = {"0.weight": [4, 3], "0.bias": [4], "red\x1b[31m[b]": [1]}
    shapes |= {f"blocks.{n}.weight": [2, 2] for n in range(4)}
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(at))
    return path


def test_summary_of_a_file_of_weights_has_its_tree(nninspect: Command, weights: Path) -> None:
    run = nninspect("summary", weights.name)
    assert run.code == OK
    lines = run.out.splitlines()
    assert lines[:2] == [
        "model.safetensors  (safetensors)",
        "  7 tensors, 33 parameters, 132 B, float32",
    ]
    assert "  0…3 ×4" in run.out
    assert "red␛[31m[b]" in run.out
    assert "\x1b" not in run.out
    unfolded = nninspect("summary", weights.name, "--unfold").out
    assert "×4" not in unfolded
    assert len(unfolded.splitlines()) > len(lines)


def test_summary_compares_it_with_a_model(nninspect: Command, weights: Path, net: Path) -> None:
    run = nninspect("summary", weights.name, "--model", "net.py:good", "--json")
    assert run.code == DIFFERENT
    fit = run.json["fit"]
    assert (fit["matched"], fit["missing"], fit["fits"]) == (2, [], False)
    assert len(fit["unexpected"]) == 5
    text = nninspect("summary", weights.name, "--model", "net.py:good", "--set", "hidden=5")
    assert text.code == DIFFERENT
    assert "0.weight (4, 3) in the file, (5, 3) in it" in text.out


def test_what_can_not_be_read_is_a_sentence_and_a_usage_error(
    nninspect: Command, weights: Path
) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])
    run = nninspect("summary", weights.name)
    assert (run.code, run.out) == (USAGE, "")
    assert "the file has" in run.err
    assert nninspect("summary", "gone.pt").code == USAGE
    other = nninspect("summary", "mlp-module", "--model", "mlp-module")
    assert other.code == USAGE
    assert "is no file of weights" in other.err
