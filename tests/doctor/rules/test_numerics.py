"""NN7xx: each rule on networks that it flags, and on near misses that it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.protocol.findings import Severity

X = "4,8"
IMAGE = "4,3,8,8"


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)
    )


def changed(make: Callable[[], nn.Module], change: Callable[[Any], object]) -> nn.Module:
    """A network after something was done to it."""
    model = make()
    with torch.no_grad():
        change(model)
    return model


class Masked(nn.Module):
    """A buffer of -inf, as attention masks are."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.register_buffer("mask", torch.full((8, 8), float("-inf")).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.fc(x).unsqueeze(1) + self.mask).softmax(-1).mean(1)


class Added(nn.Module):
    """A branch that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.branch, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        nn.init.zeros_(self.branch.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x).relu()
        return self.out(x + self.branch(x))


class Gated(Added):
    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x).relu()
        return self.out(x * self.branch(x).sigmoid())


class Casts(nn.Module):
    """Two dtypes, and a cast between them."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 8).bfloat16(), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x.bfloat16()).relu().float())


def adapters() -> nn.Module:
    model = Casts()
    model.body.requires_grad_(False)
    return model


FLAGGED: list[tuple[str, nn.Module, str]] = [
    ("NN701", changed(mlp, lambda m: m[2].weight[3, 3].fill_(torch.nan)), X),
    ("NN701", changed(mlp, lambda m: m[4].bias.fill_(torch.inf)), X),
    ("NN701", changed(Masked, lambda m: m.mask.fill_(torch.nan)), X),
    ("NN702", changed(mlp, lambda m: m[0].weight.fill_(0.1)), X),
    ("NN702", changed(mlp, lambda m: m[2].weight.zero_()), X),
    ("NN702", changed(cnn, lambda m: m[0].weight.fill_(1)), IMAGE),
    ("NN702", changed(lambda: nn.LSTM(8, 8), lambda m: m.weight_hh_l0.fill_(0.5)), "4,5,8"),
    ("NN704", changed(mlp, lambda m: m[2].double()), X),
    ("NN704", changed(cnn, lambda m: m[4].half()), IMAGE),
    ("NN704", Casts(), X),
    ("NN705", changed(cnn, lambda m: m[1].running_var[0].fill_(-1)), IMAGE),
    ("NN705", changed(cnn, lambda m: m[1].running_mean.fill_(torch.nan)), IMAGE),
]

NEAR_MISSES: list[tuple[str, nn.Module, str]] = [
    ("NN701", mlp(), X),
    ("NN701", Masked(), X),
    ("NN701", changed(cnn, lambda m: m[1].running_var.fill_(torch.nan)), IMAGE),
    ("NN702", mlp(), X),
    ("NN702", changed(mlp, lambda m: m[0].weight.fill_(0.1).requires_grad_(False)), X),
    ("NN702", changed(mlp, lambda m: m[0].bias.zero_()), X),
    ("NN702", Added(), X),
    ("NN702", Gated(), X),
    ("NN704", mlp().half(), "float16:4x8"),
    ("NN704", changed(lambda: cnn().bfloat16(), lambda m: m[1].float()), "bfloat16:4x3x8x8"),
    ("NN704", adapters(), X),
    ("NN705", cnn(), IMAGE),
    ("NN705", changed(cnn, lambda m: m[1].running_var.zero_()), IMAGE),
]


@pytest.mark.parametrize(("code", "network", "inputs"), FLAGGED)
def test_the_rule_finds_it(code: str, network: Any, inputs: str, codes: Any) -> None:
    assert codes(network, inputs, code) == [code]


@pytest.mark.parametrize(("code", "network", "inputs"), NEAR_MISSES)
def test_the_rule_leaves_it_alone(code: str, network: Any, inputs: str, codes: Any) -> None:
    assert codes(network, inputs, code) == []


def test_a_last_layer_of_zeros_is_no_more_than_an_info(outcome: Any) -> None:
    model = changed(mlp, lambda m: m[4].weight.zero_())
    (found,) = outcome(model, X, "NN702").findings
    assert found.severity is Severity.INFO
    assert "16 elements" in found.seen


def test_mixed_dtypes_are_a_warning_only_where_the_forward_fails(outcome: Any) -> None:
    (fails,) = outcome(changed(mlp, lambda m: m[2].double()), X, "NN704").findings
    (works,) = outcome(Casts(), X, "NN704").findings
    assert (fails.severity, works.severity) == (Severity.WARNING, Severity.INFO)
    assert fails.path == "2"


def test_many_broken_weights_are_one_finding(outcome: Any) -> None:
    model = changed(mlp, lambda m: [p.fill_(torch.nan) for p in m.parameters()])
    (found,) = outcome(model, X, "NN701").findings
    assert "0.weight has NaN, and so have 5 more tensors" in found.seen
    assert found.related == ("2", "4")
