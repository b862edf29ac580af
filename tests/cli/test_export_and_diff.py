"""`export` writes what a tab shows; `diff` tells which layers differ, by its exit code too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nninspect.cli.exit_codes import DIFFERENT, MODEL_FAILED, OK, USAGE

Command = Callable[..., Any]


def test_layers_as_csv_are_those_of_the_summary(nninspect: Command, tmp_path: Path) -> None:
    run = nninspect("export", "mlp-module", "-o", "layers.csv")
    assert (run.code, run.out) == (OK, "")
    assert "layers.csv" in run.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "layers.csv").read_text())))
    (fc1,) = [row for row in rows if row["module"] == "fc1"]
    assert (fc1["params"], fc1["own"], fc1["output"]) == ("100480", "100480", "(1, 128)")
    assert rows[0]["params"] == "118282"


def test_the_json_is_that_of_the_summary_and_can_be_compared_with_now(
    nninspect: Command, tmp_path: Path
) -> None:
    run = nninspect("export", "mlp-module", "--set", "hidden=32", "-o", "before.json")
    assert run.code == OK
    saved = json.loads((tmp_path / "before.json").read_text())
    assert saved["totals"]["parameters"] < 118_282
    same = nninspect("diff", "before.json")
    assert (same.code, same.err) == (OK, "")
    changed = nninspect("diff", "before.json", "mlp-module", "--json")
    assert changed.code == DIFFERENT
    found = {(each["path"], each["what"]): each for each in changed.json["differences"]}
    assert found["fc1", "parameters"]["before"] == f"{32 * 784 + 32:,}"
    assert found["fc1", "output"]["after"] == "(1, 128)"
    assert ("", "parameters") not in found


def test_weights_and_findings_go_to_stdout(nninspect: Command, real_nninspect: Command) -> None:
    weights = ("export", "mlp-module", "--view", "weights", "--format", "markdown", "-o")
    for run, output in ((nninspect, "-"), (real_nninspect, "/dev/stdout")):
        assert "| fc1.weight" in run(*weights, output).out
    doctor = nninspect("export", "broken-softmax-ce", "--view", "doctor", "--json")
    assert doctor.json["findings"]


def test_a_past_run_is_exported_and_where_there_is_none_that_is_said(nninspect: Command) -> None:
    run = nninspect("export", "mlp-module", "--view", "bench")
    assert run.code == USAGE
    assert "nninspect bench mlp-module" in run.err


def test_what_can_not_be_written_is_said_in_a_sentence(nninspect: Command) -> None:
    run = nninspect("export", "mlp-module", "-o", "layers.docx")
    assert (run.code, run.out) == (USAGE, "")
    assert ".csv" in run.err
    run = nninspect("export", "mlp-module", "-o", "nowhere/layers.csv")
    assert (run.code, "Traceback" in run.err) == (USAGE, False)
    assert "nowhere/layers.csv" in run.err


def test_a_twin_differs_in_the_layer_that_is_wrong(nninspect: Command) -> None:
    run = nninspect("diff", "broken-softmax-ce", "classifier")
    assert run.code == DIFFERENT
    assert run.out.splitlines()[-1].split() == ["softmax", "layer", "op", "–"]
    assert nninspect("diff", "classifier", "classifier").code == OK


def test_what_can_not_be_compared_is_said(nninspect: Command, net: Path, tmp_path: Path) -> None:
    assert "compared with nothing" in nninspect("diff", "mlp-module").err
    (tmp_path / "junk.json").write_text('{"layers": 3}')
    run = nninspect("diff", "junk.json")
    assert (run.code, "is not a saved summary" in run.err) == (USAGE, True)
    failed = nninspect("diff", "net.py:Net", "net.py:good", "--input", "1,3")
    assert failed.code == MODEL_FAILED
    assert "nninspect:" in failed.err
