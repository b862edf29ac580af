"""The rules on output and loss: what each flags, and what looks like it and is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from nninspect.protocol.findings import BINARY, MULTI_CLASS, REGRESSION

Codes = Callable[..., list[str]]

CE, NLL = "cross_entropy", "nll_loss"
BCE, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"
MSE = "mse_loss"


def net(*end: nn.Module, out: int = 5) -> nn.Module:
    torch.manual_seed(0)  # weights that are the same whatever was collected before
    return nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, out), *end)


class Choice(nn.Module):
    """Returns the class, not what it is chosen by."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).argmax(-1)


FLAGGED = [
    ("NN301", net(nn.Softmax(-1)), CE, "", "error"),
    ("NN301", net(nn.Softmax(-1), nn.Flatten()), CE, "", "error"),
    ("NN301", net(nn.LogSoftmax(-1)), CE, "", "warning"),
    ("NN301", net(nn.Sigmoid(), out=1), LOGITS, BINARY, "error"),
    ("NN302", net(nn.ReLU()), CE, "", "error"),
    ("NN302", net(nn.ReLU(), out=1), MSE, REGRESSION, "warning"),
    ("NN302", net(nn.Tanh()), CE, MULTI_CLASS, "warning"),
    ("NN303", net(out=1), BCE, BINARY, "error"),
    ("NN303", net(), NLL, MULTI_CLASS, "error"),
    ("NN303", net(nn.Softmax(-1)), NLL, "", "error"),
    ("NN304", net(out=1), CE, "", "error"),
    ("NN304", net(out=1), CE, REGRESSION, "error"),
    ("NN305", net(), MSE, MULTI_CLASS, "error"),
    ("NN305", net(), CE, REGRESSION, "error"),
    ("NN305", net(out=1), MSE, BINARY, "error"),
    ("NN306", Choice(), CE, "", "error"),
    ("NN307", net(nn.Dropout(0.5)), CE, "", "warning"),
    ("NN308", net(nn.Sigmoid(), out=1), BCE, BINARY, "info"),
]

SILENT = {
    "logits for cross entropy": (net(), CE, MULTI_CLASS),
    "log-probabilities for nll": (net(nn.LogSoftmax(-1)), NLL, MULTI_CLASS),
    "a logit for bce with logits": (net(out=1), LOGITS, BINARY),
    "a value for mse": (net(out=1), MSE, REGRESSION),
    "a bounded value for mse": (net(nn.Sigmoid(), out=1), MSE, REGRESSION),
    "a positive value for mse": (net(nn.Softplus(), out=1), MSE, REGRESSION),
    "a softmax, and no loss known": (net(nn.Softmax(-1)), "", ""),
    "a feature backbone that ends in ReLU": (net(nn.ReLU()), "", ""),
    "a dropout at the end of a part": (net(nn.Dropout(0.5)), "", ""),
    "a dropout that does nothing": (net(nn.Dropout(0.0)), CE, ""),
    "the classes, and no loss known": (Choice(), "", ""),
    "two classes for a yes or no": (net(out=2), CE, BINARY),
    "mse, and the task not known": (net(), MSE, ""),
}


@pytest.mark.parametrize(("code", "model", "loss", "task", "severity"), FLAGGED)
def test_a_mistake_is_found_and_nothing_else(
    outcome: Callable[..., Any], code: str, model: nn.Module, loss: str, task: str, severity: str
) -> None:
    found = outcome(model, "1x16", "NN3", loss=loss, task=task).findings
    assert [(each.code, each.severity.word) for each in found] == [(code, severity)]


@pytest.mark.parametrize("name", SILENT)
def test_what_only_looks_like_it_is_left_alone(codes: Codes, name: str) -> None:
    model, loss, task = SILENT[name]
    assert codes(model, "1x16", "NN3", loss=loss, task=task) == []


def test_without_a_loss_the_rules_on_it_say_that_they_did_not_look(
    outcome: Callable[..., Any],
) -> None:
    skipped = outcome(net(), "1x16", "NN3").skipped
    assert {rule.code for rule in skipped} == {f"NN30{number}" for number in range(1, 9)}
    assert all("--loss" in rule.reason for rule in skipped)


def test_what_is_judged_is_the_output_not_the_loss_beside_it(codes: Codes) -> None:
    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(16, 5)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.fc(x)
            return {"loss": logits.square().mean(), "probabilities": logits.softmax(-1)}

    assert codes(WithLoss(), "1x16", "NN3", loss=CE) == ["NN301"]
