"""The headless commands: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nninspect.cli.exit_codes import (
    DEVICE_FAILED,
    MODEL_FAILED,
    OK,
    USAGE,
    WORKER_FAILED,
)

Command = Callable[..., Any]


def test_list_prints_every_network_as_plain_text(real_nninspect: Command) -> None:
    run = real_nninspect("list")
    assert run.code == OK
    assert "resnet-small" in run.out
    assert "broken-softmax-ce" in run.out
    assert "\x1b" not in run.out
    assert run.err == ""


def test_list_as_json_has_the_cards(nninspect: Command) -> None:
    (bundled,) = nninspect("list", "--json").json["collections"]
    cards = {card["name"]: card for card in bundled["networks"]}
    assert bundled["name"] == "bundled"
    assert cards["resnet-small"]["inputs"] == ["1x3x32x32"]
    assert cards["broken-softmax-ce"]["twin_of"] == "classifier"


def test_summary_prints_the_layers_as_plain_text(nninspect: Command) -> None:
    run = nninspect("summary", "mlp-module")
    assert run.code == OK
    assert "118,282 parameters" in run.out
    (fc1,) = [line for line in run.out.splitlines() if line.split()[:1] == ["fc1"]]
    assert fc1.split()[:9] == [
        "fc1",
        "Linear",
        "(1,",
        "784)",
        "(1,",
        "128)",
        "100,480",
        "84.9%",
        "100",
    ]
    assert "\x1b" not in run.out
    assert run.err == ""


def test_summary_as_json_has_raw_figures(nninspect: Command) -> None:
    found = nninspect("summary", "mlp-module", "--batch", "64", "--json").json
    assert found["schema"] == 1
    assert found["totals"]["parameters"] == 784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10
    assert found["inputs"] == ["64x784"]
    assert found["batch"] == 64
    root, fc1, *_ = found["layers"]
    assert root["outputs"] == [{"key": "", "shape": [64, 10], "dtype": "float32"}]
    assert (fc1["path"], fc1["own_parameters"]) == ("fc1", 784 * 128 + 128)
    assert found["failure"] is None


def test_summary_as_json_has_ops_and_what_led_where(nninspect: Command) -> None:
    found = nninspect("summary", "mlp-functional", "--json").json
    kinds = {row["path"]: row["kind"] for row in found["layers"]}
    assert kinds["fc1"] == "module"
    assert kinds["relu"] == "op"
    assert found["edges"][:3] == [[None, "fc1"], ["fc1", "relu"], ["relu", "fc2"]]
    assert found["edges"][-1][1:] == [None, [""]]
    (relu,) = [row for row in found["layers"] if row["path"] == "relu"]
    assert relu["source"].startswith("mlp_functional.py:")


def test_summary_as_json_tells_which_part_of_the_output_comes_from_where(
    nninspect: Command, tmp_path: Path
) -> None:
    (tmp_path / "two.py").write_text(
        "from torch import nn\n"
        "class Two(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 4)\n"
        "    def forward(self, x):\n"
        "        return {'x': x, 'a': self.a(x), 'b': self.b(x)}\n"
    )
    edges = nninspect("summary", "two.py:Two", "--input", "1,3", "--json").json["edges"]
    ends = [edge for edge in edges if edge[1] is None]
    assert sorted(ends, key=str) == [["a", None, ["a"]], ["b", None, ["b"]], [None, None, ["x"]]]


def test_summary_folds_runs_of_equal_layers_unless_told_not_to(
    nninspect: Command, tmp_path: Path
) -> None:
    (tmp_path / "deep.py").write_text(
        "from torch import nn\ndeep = nn.Sequential(*(nn.Linear(3, 3) for _ in range(5)))\n"
    )
    folded = nninspect("summary", "deep.py:deep", "--input", "1,3").out
    assert "  0…4 ×5" in folded
    unfolded = nninspect("summary", "deep.py:deep", "--input", "1,3", "--unfold").out
    assert "×5" not in unfolded
    assert "\n  4 " in unfolded


def test_a_failing_forward_prints_the_tree_and_what_to_change(
    nninspect: Command, net: Path
) -> None:
    run = nninspect("summary", "net.py:Net")
    assert run.code == MODEL_FAILED
    assert "✗ failed" in run.out
    assert "last (Linear) expects in_features=5 and got 4" in run.err
    assert "net.py:13 in forward" in run.err
    assert "Traceback" not in run.err


def test_a_failing_forward_is_part_of_the_json(nninspect: Command, net: Path) -> None:
    run = nninspect("summary", "net.py:Net", "--json")
    assert run.code == MODEL_FAILED
    assert run.json["failure"]["where"] == "last"
    failed = [row["path"] for row in run.json["layers"] if "failed" in row["marks"]]
    assert failed == ["last"]


def test_what_the_model_prints_stays_out_of_the_data(real_nninspect: Command, net: Path) -> None:
    run = real_nninspect("summary", "net.py:Net", "--json")
    assert "printed by the model" not in run.out
    assert "printed by the model" in run.err


def test_settings_and_inputs_reach_the_model(nninspect: Command, net: Path) -> None:
    run = nninspect("summary", "net.py:good", "--set", "hidden=7", "--input", "2,3", "--json")
    assert run.json["totals"]["parameters"] == 3 * 7 + 7
    assert run.json["layers"][0]["outputs"][0]["shape"] == [2, 7]


def test_dtype_and_mode_reach_the_model(nninspect: Command, net: Path) -> None:
    run = nninspect("summary", "net.py:good", "--dtype", "bfloat16", "--train", "--json")
    assert run.json["layers"][0]["dtype"] == "bfloat16"
    assert run.json["setup"]["training"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["resnet-smal"], USAGE, "Did you mean resnet-small?"),
        (["nett.py"], USAGE, "Did you mean net.py?"),
        (["net.py:nett"], USAGE, "Did you mean Net?"),
        (["net.py:good", "--set", "hiden=3"], USAGE, "Did you mean hidden?"),
        (["net.py:good", "--set", "hidden"], USAGE, "--set hidden=128"),
        (["net.py:good", "--input", "x"], USAGE, "--input 1,3,224,224"),
        (["net.py:good", "--input", "y=1x3"], USAGE, "takes no argument y"),
        (["net.py:good", "--batch", "0"], USAGE, "type 1 or more"),
        (["net.py:good", "--device", "tpu9"], USAGE, "Use one of cpu"),
        (["net.py:good", "--device", "cuda:99"], DEVICE_FAILED, "no device cuda:99"),
        (["net.py:raises"], MODEL_FAILED, "out of cheese"),
        (["net.py:dies"], WORKER_FAILED, "exited with code 7"),
    ],
)
def test_what_is_wrong_ends_with_its_code_and_says_what_to_type(
    nninspect: Command, net: Path, arguments: list[str], code: int, message: str
) -> None:
    run = nninspect("summary", *arguments)
    assert run.code == code
    assert message in run.err
    assert run.out == ""
    assert "Traceback" not in run.err


def test_the_traceback_is_printed_when_asked_for(nninspect: Command, net: Path) -> None:
    run = nninspect("summary", "net.py:raises", "--traceback")
    assert "Traceback (most recent call last)" in run.err
    assert 'net.py", line' in run.err
    assert "nninspect/engine" not in run.err


def test_bench_times_every_configuration_and_says_what_is_missing(
    nninspect: Command, net: Path
) -> None:
    run = nninspect(
        *("bench", "net.py:good", "--devices", "cpu", "--batch", "1,8", "--modes"),
        *("inference,train", "--quick", "--max-time", "0.1", "--json", "--save", "saved.json"),
    )
    assert run.code == OK
    rows = run.json["rows"]
    assert [(row["config"]["batch"], row["config"]["mode"]) for row in rows] == [
        (batch, mode) for batch in (1, 8) for mode in ("inference", "train")
    ]
    for row in rows:
        latency = row["latency"]
        assert 0 < latency["ci_low_s"] <= latency["median_s"] <= latency["ci_high_s"]
        kept = [each for each in latency["rounds"] if not each["discarded"]]
        assert [each["number"] for each in kept] == list(range(len(kept)))
        assert row["quality"]["verdict"] in ("trusted", "noisy", "untrusted")
        assert row["throughput"]["items_per_s"] == pytest.approx(
            row["config"]["batch"] / latency["median_s"]
        )
    assert rows[1]["train"]["backward_s"] > 0
    assert run.json["missing"]
    assert json.loads((net.parent / "saved.json").read_text()) == run.json


def test_bench_prints_an_interval_and_a_verdict_for_every_row(
    nninspect: Command, net: Path
) -> None:
    run = nninspect(
        *("bench", "net.py:good", "--devices", "cpu", "--modes", "inference,threads=1"),
        *("--quick", "--max-time", "0.1"),
    )
    assert run.code == OK
    answer, _, titles, *rows = run.out.splitlines()[2:7]
    assert "is faster" in answer
    assert {"p50", "interval", "n", "verdict", "floor", "speed-up"} <= set(titles.split())
    for row in rows:
        assert re.search(r"\d+–\d+|\d\.\d+–\d|too few rounds", row), row  # a busy machine
        assert re.search(r"trusted|noisy", row), row
    assert "No accelerator to compare with" in run.out


def test_bench_of_a_model_that_fails_ends_with_the_models_code(
    real_nninspect: Command, net: Path
) -> None:
    run = real_nninspect("bench", "net.py:Net", "--devices", "cpu", "--quick")
    assert run.code == MODEL_FAILED
    assert "mat1 and mat2" in run.err


@pytest.mark.parametrize(
    "options",
    [("--modes", "fast"), ("--modes", "threads=0"), ("--max-time", "0"), ("--devices", "meta")],
)
def test_a_bench_that_cannot_be_is_refused_before_it_begins(
    nninspect: Command, net: Path, options: tuple[str, ...]
) -> None:
    assert nninspect("bench", "net.py:good", *options).code == USAGE


def test_env_names_torch_and_the_devices(real_nninspect: Command) -> None:
    found = real_nninspect("env", "--json").json
    assert found["devices"][0]["name"] == "cpu"
    assert found["torch"]


def test_the_app_without_a_terminal_says_what_to_use_instead(real_nninspect: Command) -> None:
    run = real_nninspect()
    assert run.code == USAGE
    assert "nninspect summary TARGET" in run.err
    assert run.out == ""


def test_a_target_without_a_terminal_is_summarised(real_nninspect: Command) -> None:
    run = real_nninspect("mlp-module")
    assert run.code == OK
    assert "118,282 parameters" in run.out
    assert "this is `nninspect summary`" in run.err


@pytest.mark.parametrize("command", [(), ("list",), ("summary",), ("bench",), ("env",)])
def test_every_help_has_examples_and_exit_codes(nninspect: Command, command: tuple[str]) -> None:
    run = nninspect(*command, "--help")
    assert run.code == OK
    assert "examples:\n  nninspect" in run.out
    assert "exit codes:" in run.out


def test_an_unknown_option_ends_with_the_usage_code(real_nninspect: Command) -> None:
    assert real_nninspect("summary", "mlp-module", "--colour").code == USAGE


def test_a_model_that_ends_the_process_is_shown_up_to_there_and_its_code_says_so(
    nninspect: Command, tmp_path: Path
) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom torch import nn\n"
        "class Deadly(nn.Linear):\n"
        "    def forward(self, x): os._exit(5)\n"
        "def make(): return nn.Sequential(nn.Linear(3, 4), Deadly(4, 2))\n"
    )
    done = nninspect("summary", "deadly.py:make", "--input", "2,3")
    assert done.code == WORKER_FAILED
    assert "(2, 4)" in done.out
    assert "✗ failed" in done.out
    assert "the process exited with code 5" in done.err


def test_the_version_is_printed_without_a_terminal(nninspect: Command) -> None:
    done = nninspect("--version")
    assert (done.code, done.out) == (0, "nninspect 0.1.0\n")
