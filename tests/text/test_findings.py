"""Findings as text."""

from __future__ import annotations

import msgspec

from nninspect.protocol.findings import (
    CheckResult,
    Finding,
    Severity,
    SkippedRule,
    loss_named,
    task_named,
)
from nninspect.protocol.records import Setup
from nninspect.text import findings

FOUND = Finding(
    code="NN203",
    name="sigmoid-hidden",
    severity=Severity.WARNING,
    seen="3 hidden activations are sigmoids.",
    change="x = F.relu(x)\ny = F.relu(y)",
    path="net.act",
    file="/elsewhere/net.py",
    line=7,
)
RESULT = CheckResult(setup=Setup(target="net.py:Net"), title="Net", findings=(FOUND,), ran=5)


def test_a_finding_has_its_place_and_each_line_of_the_change() -> None:
    assert list(findings.block(FOUND)) == [
        "warning NN203 sigmoid-hidden  /elsewhere/net.py:7 net.act",
        "  3 hidden activations are sigmoids.",
        "    x = F.relu(x)",
        "    y = F.relu(y)",
    ]


def test_the_root_without_a_file_is_called_the_model() -> None:
    assert findings.place(msgspec.structs.replace(FOUND, path="", file="")) == "model"


def test_counts_are_told_the_gravest_first() -> None:
    error = msgspec.structs.replace(FOUND, severity=Severity.ERROR)
    result = msgspec.structs.replace(RESULT, findings=(error, error, FOUND))
    assert findings.summary(result) == "2 errors, 1 warning"
    assert findings.summary(msgspec.structs.replace(RESULT, findings=())) == "nothing to mend"


def test_rules_that_were_skipped_for_one_reason_stand_together() -> None:
    skipped = (
        SkippedRule(code="NN301", reason="the loss is not known"),
        SkippedRule(code="NN603", reason="the model is on meta"),
        SkippedRule(code="NN302", reason="the loss is not known"),
    )
    assert list(findings.skipped(msgspec.structs.replace(RESULT, skipped=skipped))) == [
        "not checked: NN301, NN302 (the loss is not known)",
        "not checked: NN603 (the model is on meta)",
    ]


def test_a_loss_and_a_task_are_known_by_any_of_their_names() -> None:
    for text in ("mse", "mse_loss", "MSELoss", "nn.MSELoss", "F.mse_loss"):
        assert loss_named(text) == "mse_loss"
    assert loss_named("bce") == "binary_cross_entropy"
    assert loss_named("hinge") is None
    assert task_named("binary") == "binary classification"
    assert task_named("multiclass") == "multi-class classification"
    assert task_named("") is None
