"""The runner: a rule that can't look says why, one that fails harms no other, comments silence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from nninspect.doctor.check import check
from nninspect.doctor.deadline import Deadline, Unavailable
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.runner import Outcome, run_rules
from nninspect.engine.session import Session
from nninspect.errors import BadSetting, BuildFailed
from nninspect.protocol.findings import CheckPlan, CheckResult, Finding, Severity
from nninspect.protocol.records import Setup

Run = Callable[..., Outcome]

STACK = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.fc2 = nn.Linear(4, 4)COMMENT

    def forward(self, x):
        return self.fc2(self.fc1(x))
"""


def quiet(stage: str, fraction: float | None) -> None:
    """Hears of progress and tells nobody."""


class Raises(Rule):
    code, name = "NN998", "raises"
    severity: ClassVar = Severity.ERROR

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        yield self.finding("half a finding")
        raise KeyError("a model it was not made for")


class Finds(Rule):
    code, name = "NN999", "finds"
    severity: ClassVar = Severity.WARNING
    needs: ClassVar = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        yield self.finding("something")


class Numeric(Finds):
    code, name = "NN799", "numeric"


@pytest.fixture
def checked(tmp_path: Path) -> Iterator[Callable[..., CheckResult]]:
    """Checks a text as the user's file net.py."""
    session = Session()

    def run(text: str, **plan: Any) -> CheckResult:
        (tmp_path / "net.py").write_text(text)
        plan.setdefault("reload", True)
        setup = Setup(target=f"{tmp_path}/net.py:Net")
        return check(session, setup, CheckPlan(**plan), quiet)

    yield run
    session.drop()


def codes(result: CheckResult | Outcome) -> set[str]:
    return {finding.code for finding in result.findings}


def test_a_rule_that_raises_is_a_skip_with_its_reason_and_no_other_suffers(gather: Any) -> None:
    outcome = run_rules([Raises, Finds], gather(nn.Linear(4, 4), "1x4"), quiet)
    assert codes(outcome) == {"NN999"}
    (skipped,) = outcome.skipped
    assert skipped.code == "NN998"
    assert "KeyError" in skipped.reason


def test_a_comment_on_the_line_silences_its_codes_and_is_counted(checked: Any) -> None:
    assert codes(checked(STACK.replace("COMMENT", ""))) == {"NN202"}
    for silenced in ("[NN202]", "[NN1, NN2]", ""):
        result = checked(STACK.replace("COMMENT", f"  # nninspect: ignore{silenced}"))
        assert codes(result) == set()
        assert result.suppressed == 1
    assert codes(checked(STACK.replace("COMMENT", "  # nninspect: ignore[NN203]"))) == {"NN202"}


def test_select_and_ignore_choose_the_rules(checked: Any) -> None:
    text = STACK.replace("COMMENT", "")
    assert codes(checked(text, select=("NN4",))) == set()
    assert codes(checked(text, select=("NN2",))) == {"NN202"}
    assert codes(checked(text, ignore=("NN202",))) == set()


def test_the_project_of_the_target_sets_what_the_plan_leaves_open(
    checked: Any, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.nninspect]\nignore = ["NN202"]\nloss = "CrossEntropyLoss"\n'
    )
    result = checked(STACK.replace("COMMENT", ""))
    assert codes(result) == set()
    assert result.loss == "cross_entropy"
    assert checked(STACK.replace("COMMENT", ""), loss="mse_loss").loss == "mse_loss"


def test_the_project_may_point_to_where_the_model_is_trained(checked: Any, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.nninspect]\nloss = "train.py"\n')
    (tmp_path / "train.py").write_text("from torch import nn\nloss = nn.CrossEntropyLoss()\n")
    result = checked(STACK.replace("COMMENT", ""))
    assert (result.loss, result.loss_from) == ("cross_entropy", "train.py:2")


def test_a_project_setting_that_does_not_exist_is_refused(checked: Any, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.nninspect]\nignored = ["NN202"]\n')
    with pytest.raises(BadSetting, match="ignored"):
        checked(STACK.replace("COMMENT", ""))


def test_a_finding_tells_the_line_that_makes_the_layer(checked: Any, tmp_path: Path) -> None:
    (finding,) = checked(STACK.replace("COMMENT", "")).findings
    assert (finding.file, finding.path) == (str(tmp_path / "net.py"), "fc2")
    assert STACK.splitlines()[finding.line - 1].strip().startswith("self.fc2 =")


def test_a_library_s_own_layers_are_an_info_but_a_number_that_is_wrong_is_not(
    gather: Any,
) -> None:
    evidence = gather(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), "1x4x8")
    assert not evidence.is_own(evidence.at_path("self_attn.out_proj"))

    class Inside(Finds):
        def check(self, evidence: Evidence) -> Iterator[Finding]:
            yield self.finding("inside", at=evidence.at_path("linear1"))

    class NumericInside(Inside):
        code, name = "NN799", "numeric"

    outcome = run_rules([Inside, NumericInside], evidence, quiet)
    assert [finding.severity for finding in outcome.findings] == [Severity.INFO, Severity.WARNING]


def test_a_build_that_fails_for_a_reason_no_rule_knows_is_the_build_s_error(checked: Any) -> None:
    with pytest.raises(BuildFailed, match="out of cheese"):
        checked("def Net():\n    raise ValueError('out of cheese')\n", select=("NN3",))


def test_without_time_the_probes_are_left_out_and_the_rest_still_looks(outcome: Run) -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    found = outcome(net, "1x4", seconds=1e-9)
    assert "NN202" in codes(found)
    skipped = {rule.code: rule.reason for rule in found.skipped}
    assert "were up" in skipped["NN603"]


def test_a_forward_that_does_not_end_is_ended_and_a_bare_except_does_not_help_it() -> None:
    def hang() -> None:
        while True:
            try:
                time.sleep(60)
            except BaseException:
                return

    deadline = Deadline(0.2)
    with pytest.raises(Unavailable, match=r"0\.2 s"), deadline.bounded():
        hang()


def test_on_meta_structure_and_trace_are_there_and_the_probes_say_why_not(outcome: Run) -> None:
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    found = outcome(net, "1x4", device="meta")
    assert "NN202" in codes(found)
    assert "on meta" in {rule.code: rule.reason for rule in found.skipped}["NN603"]


def test_a_check_leaves_the_model_as_it_was(outcome: Run) -> None:
    net = nn.Sequential(
        nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 4)
    )
    net[1].eval()
    net[0].weight.grad = torch.ones(4, 4)
    torch.manual_seed(3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    random = torch.get_rng_state()
    outcome(net, "2x4", loss="mse_loss", task="regression")
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(net[0].weight.grad, torch.ones(4, 4))
    assert net[4].weight.grad is None
    assert not any(module._forward_hooks for module in net.modules())


def test_a_model_that_can_t_be_copied_is_looked_at_without_probes(outcome: Run) -> None:
    class Uncopyable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("only one of me")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x)

    skipped = {rule.code: rule.reason for rule in outcome(Uncopyable(), "1x4").skipped}
    assert "only one of me" in skipped["NN603"]


def test_the_first_sample_alone_is_replaced(gather: Any) -> None:
    probes = gather(nn.Linear(4, 4), "1x4").probes
    (plain,), _ = probes.arguments(3)
    (changed,), _ = probes.arguments(3, first_from=7)
    assert not torch.equal(plain[0], changed[0])
    assert torch.equal(plain[1:], changed[1:])


def test_a_softmax_has_a_gradient_under_a_random_projection(gather: Any) -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Softmax(-1))
    gradient = gather(net, "1x4").probes.gradients().of["0.weight"]
    assert gradient is not None
    assert math.isfinite(float(gradient.norm()))
    assert float(gradient.norm()) > 1e-3
    assert all(parameter.grad is None for parameter in net.parameters())


def test_after_a_death_the_probes_are_left_out_and_after_two_the_forward(outcome: Run) -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    once = outcome(net, "2x4", died=("the process was killed",))
    assert [(f.code, f.severity) for f in once.findings] == [("NN600", Severity.WARNING)]
    reasons = {rule.code: rule.reason for rule in once.skipped}
    assert reasons["NN603"] == reasons["NN703"] == "the process was killed while it was probed"
    assert "NN201" not in reasons
    twice = outcome(net, "2x4", died=("it was killed", "it was killed"))
    assert [(f.code, f.severity) for f in twice.findings] == [("NN600", Severity.ERROR)]
    reasons = {rule.code: rule.reason for rule in twice.skipped}
    assert reasons["NN201"] == reasons["NN703"] == "no forward was run: it was killed in one"
    assert "NN701" not in reasons
