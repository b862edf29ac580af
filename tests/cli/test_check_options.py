"""What `nninspect check` takes to hold a model to what was planned."""

from __future__ import annotations

import pytest

from nninspect.cli import check

PLANNED = ("net.py:Net", "--expect-params", "118,282", "--expect-output")


@pytest.mark.parametrize("text", ["64,10", "(64, 10)", "64x10"])
def test_an_expected_output_is_typed_as_a_shape(text: str) -> None:
    plan = check.plan_of(check.parser().parse_args([*PLANNED, text]))
    assert (plan.expect_params, plan.expect_output) == (118_282, (64, 10))


@pytest.mark.parametrize("text", ["", "ten", "64,-1", "0"])
def test_what_is_no_shape_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check.parser().parse_args([*PLANNED, text])
    assert "is no output shape" in capsys.readouterr().err


def test_what_is_looked_for_and_for_how_long_is_in_the_plan() -> None:
    options = ("--task", "regression", "--select", "NN2,NN6", "--ignore", "NN203", "--seconds", "9")
    plan = check.plan_of(check.parser().parse_args(["net.py:Net", *options]))
    assert (plan.task, plan.select, plan.ignore) == ("regression", ("NN2", "NN6"), ("NN203",))
    assert plan.seconds == 9
