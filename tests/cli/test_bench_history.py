"""Runs that are saved, kept, compared and made a build fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

BENCH = ("bench", "mlp-module", "--devices", "cpu", "--modes", "inference", "--quick")
QUICK = ("--max-time", "0.1")


def test_a_run_is_saved_as_it_is_printed_kept_and_compared(nninspect: Any, tmp_path: Any) -> None:
    first = nninspect(*BENCH, *QUICK, "--json", "--save", "before.json")
    assert first.code == 0, first.err
    assert first.json == (saved := json.loads((tmp_path / "before.json").read_text()))
    listed = nninspect("history", "mlp-module", "--json").json
    assert [run["run"]["id"] for run in listed] == [saved["run"]["id"]]
    second = nninspect(*BENCH, *QUICK, "--against", "before.json", "--no-history")
    assert "against the saved run:" in second.out
    assert "cpu, batch 1:" in second.out.partition("against the saved run:")[2]
    assert len(nninspect("history", "mlp-module", "--json").json) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fail-on", "slower:5%"), "needs a run to compare with"),
        (("--against", "none.json"), "can't read none.json"),
        (("--against", "last"), "there is no past run of mlp-module"),
        (("--fail-on", "never"), "--fail-on does not know 'never'"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_measured(
    nninspect: Any, options: tuple[str, ...], said: str
) -> None:
    run = nninspect(*BENCH, *options)
    assert run.code == 2
    assert said in run.err


def test_a_model_without_a_past_says_how_to_make_one(nninspect: Any) -> None:
    run = nninspect("history", "mlp-module")
    assert (run.code, run.out) == (0, "")
    assert "nninspect bench mlp-module" in run.err
