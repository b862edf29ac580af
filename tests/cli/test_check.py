"""`nninspect check` and `nninspect rule`: what they print, and the exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nninspect.cli.exit_codes import FOUND, MODEL_FAILED, OK, USAGE

Command = Callable[..., Any]


def test_a_mistake_is_told_with_its_code_place_and_change(real_nninspect: Command) -> None:
    run = real_nninspect("check", "broken-linear-stack")
    assert run.code == FOUND
    assert run.out.startswith("error NN202 only-affine")
    assert "broken_linear_stack.py:" in run.out
    assert "x = F.relu(self.fc1(x))" in run.out
    assert run.err == ""


@pytest.mark.parametrize(("fail_on", "code"), [("warning", FOUND), ("error", OK), ("never", OK)])
def test_the_exit_code_follows_the_severity_asked_for(
    nninspect: Command, fail_on: str, code: int
) -> None:
    assert nninspect("check", "broken-sigmoid-hidden", "--fail-on", fail_on).code == code


def test_json_has_findings_counts_and_skipped_rules(nninspect: Command) -> None:
    found = nninspect("check", "broken-softmax-ce", "--json").json
    assert [each["code"] for each in found["findings"]] == ["NN301"]
    assert found["counts"] == {"info": 0, "warning": 0, "error": 1}
    assert found["loss"] == "cross_entropy"


def test_a_loss_may_be_called_as_torch_calls_it(nninspect: Command) -> None:
    run = nninspect("check", "mlp-module", "--loss", "nn.MSELoss", "--json")
    assert run.json["loss"] == "mse_loss"
    assert [each["code"] for each in run.json["findings"]] == ["NN305"]


def test_an_unknown_loss_is_refused(nninspect: Command) -> None:
    run = nninspect("check", "mlp-module", "--loss", "crossentropyy")
    assert run.code == USAGE
    assert "cross_entropy" in run.err


def test_a_failing_build_is_a_finding_or_where_its_rule_is_off_an_error(
    nninspect: Command, net: Any
) -> None:
    found, refused = (nninspect("check", f"{net}:raises", "--select", c) for c in ("NN6", "NN3"))
    assert found.code == FOUND
    assert "out of cheese" in found.out
    assert refused.code == MODEL_FAILED
    assert "out of cheese" in refused.err


def test_a_rule_explains_itself_and_names_the_network_that_shows_it(nninspect: Command) -> None:
    run = nninspect("rule", "nn203")
    assert run.code == OK
    for part in ("sigmoid-hidden", "Why:", "Instead:", "F.relu", "broken-sigmoid-hidden"):
        assert part in run.out


def test_an_unknown_rule_is_refused(nninspect: Command) -> None:
    assert nninspect("rule", "NN000").code == USAGE


def test_every_rule_is_listed(nninspect: Command) -> None:
    lines = nninspect("rule").out.splitlines()
    assert any(line.startswith("NN201") for line in lines)
    assert any(line.startswith("NN501") for line in lines)
