"""The rules on norms, dropout and modes: what each flags, and what is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

Codes = Callable[..., list[str]]
SEQ = nn.Sequential


class Net(nn.Module):
    """Parts, and a function that assembles them."""

    def __init__(self, assemble: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.assemble = assemble
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: torch.Tensor) -> Any:
        return self.assemble(self, x)


def conv(bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(4, 4, 3, padding=1, bias=bias)


def norm(**how: Any) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(4, **how)


def lin() -> nn.Linear:
    return nn.Linear(16, 16)


def shared_norm() -> nn.Module:
    return Net(
        lambda n, x: n.norm(n.b(n.norm(n.a(x)).relu())).relu(), a=conv(), b=conv(), norm=norm()
    )


def siamese() -> nn.Module:
    branch = SEQ(conv(), norm(), nn.ReLU())
    return Net(lambda n, x: n.branch(x) - n.branch(x.flip(-1)), branch=branch)


def mixed(frozen: bool) -> nn.Module:
    net = SEQ(SEQ(conv(), norm(), nn.ReLU()), conv())
    net[0].eval()
    net[0].requires_grad_(not frozen)
    return net


def pinned_norm() -> nn.Module:
    class Pinned(nn.BatchNorm2d):
        def train(self, mode: bool = True) -> Pinned:
            return super().train(True)

    return SEQ(conv(), Pinned(4), nn.ReLU())


def counting() -> nn.Module:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = lin()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x) + float(torch.initial_seed())

    return Counting()


FLAT = "2x16"
IMAGE = "2x4x8x8"

FLAGGED = [
    ("NN401", SEQ(conv(bias=True), norm(), nn.ReLU()), IMAGE),
    ("NN402", SEQ(conv(), nn.ReLU(), norm(), conv()), IMAGE),
    ("NN403", SEQ(conv(), nn.Dropout(0.2), norm(), nn.ReLU()), IMAGE),
    ("NN403", SEQ(conv(), nn.Dropout2d(0.2), nn.MaxPool2d(2), norm(), nn.ReLU()), IMAGE),
    ("NN404", SEQ(lin(), nn.LayerNorm(16), nn.LayerNorm(16), nn.ReLU()), FLAT),
    ("NN405", Net(lambda n, x: n.fc(F.dropout(x, 0.5)), fc=lin()), FLAT),
    ("NN406", SEQ(conv(), norm(track_running_stats=False), nn.ReLU()), IMAGE),
    ("NN406", pinned_norm(), IMAGE),
    ("NN407", SEQ(lin(), nn.Dropout(1.0), lin()), FLAT),
    ("NN407", SEQ(lin(), nn.Dropout(0.8), lin()), FLAT),
    ("NN408", Net(lambda n, x: n.rnn(x)[0], rnn=nn.LSTM(16, 16, 1, dropout=0.5)), "2x3x16"),
    ("NN409", SEQ(conv(), norm(momentum=0.99), nn.ReLU()), IMAGE),
    ("NN410", mixed(frozen=False), IMAGE),
    ("NN411", shared_norm(), IMAGE),
    ("NN412", Net(lambda n, x: n.fc(x) + torch.randn(16), fc=lin()), FLAT),
    ("NN412", counting(), FLAT),
]

SILENT = {
    "the usual order": (SEQ(conv(), norm(), nn.ReLU(), nn.Dropout(0.2), conv()), IMAGE),
    "a bias before a layer norm": (SEQ(lin(), nn.LayerNorm(16), nn.ReLU()), FLAT),
    "a bias that something else uses": (
        Net(lambda n, x: n.norm(h := n.conv(x)) + h, conv=conv(bias=True), norm=norm()), IMAGE,
    ),
    "a norm before the first layer": (SEQ(norm(), conv(), nn.ReLU()), IMAGE),
    "a norm after a skip": (
        Net(lambda n, x: n.norm((x + n.conv(x)).relu()), conv=conv(), norm=norm()), IMAGE,
    ),
    "a dropout of nothing": (SEQ(conv(), nn.Dropout(0.0), norm(), nn.ReLU()), IMAGE),
    "a dropout that a layer parts from the norm": (
        SEQ(nn.Dropout(0.2), conv(), norm(), nn.ReLU()), IMAGE,
    ),
    "a norm on each side of a layer": (
        SEQ(nn.LayerNorm(16), lin(), nn.LayerNorm(16), nn.ReLU()), FLAT,
    ),
    "a dropout that knows its mode": (
        Net(lambda n, x: n.fc(F.dropout(x, 0.5, training=n.training)), fc=lin()), FLAT,
    ),
    "a dropout at 0.7": (SEQ(lin(), nn.Dropout(0.7), lin()), FLAT),
    "a dropout between two recurrent layers": (
        Net(lambda n, x: n.rnn(x)[0], rnn=nn.GRU(16, 16, 2, dropout=0.5)), "2x3x16",
    ),
    "a momentum of 0.1": (SEQ(conv(), norm(momentum=0.1), nn.ReLU()), IMAGE),
    "a cumulative average": (SEQ(conv(), norm(momentum=None), nn.ReLU()), IMAGE),
    "a frozen part in eval mode": (mixed(frozen=True), IMAGE),
    "a branch that is called twice": (siamese(), IMAGE),
}  # fmt: skip


@pytest.mark.parametrize(("code", "net", "inputs"), FLAGGED)
def test_a_mistake_is_found_and_nothing_else(
    codes: Codes, code: str, net: nn.Module, inputs: str
) -> None:
    assert codes(net, inputs, "NN4") == [code]


@pytest.mark.parametrize("name", SILENT)
def test_what_only_looks_like_it_is_left_alone(codes: Codes, name: str) -> None:
    net, inputs = SILENT[name]
    assert codes(net, inputs, "NN4") == []


def test_monte_carlo_dropout_is_not_called_a_mistake(outcome: Callable[..., Any]) -> None:
    net = Net(lambda n, x: n.fc(F.dropout(x, 0.5, training=True)), fc=lin())
    assert [each.code for each in outcome(net, FLAT, "NN405").findings] == []


def test_sampling_in_eval_is_an_info_and_hidden_state_a_warning(
    outcome: Callable[..., Any],
) -> None:
    sampling = Net(lambda n, x: n.fc(x) + torch.randn_like(x), fc=lin())
    assert outcome(sampling, FLAT, "NN412").findings[0].severity.word == "info"
    assert outcome(counting(), FLAT, "NN412").findings[0].severity.word == "warning"


def test_a_dropout_of_everything_is_an_error_and_of_much_an_info(
    outcome: Callable[..., Any],
) -> None:
    words = [
        outcome(SEQ(lin(), nn.Dropout(p), lin()), FLAT, "NN407").findings[0].severity.word
        for p in (1.0, 0.9)
    ]
    assert words == ["error", "info"]


def test_a_batch_of_one_is_told_of_in_train_mode_only(codes: Codes) -> None:
    net = SEQ(conv(), norm(), nn.ReLU())
    assert codes(net, "1x4x8x8", "NN413") == []
    assert codes(net, "1x4x8x8", "NN413", training=True) == ["NN413"]
    assert codes(net, "8x4x8x8", "NN413", training=True) == []
