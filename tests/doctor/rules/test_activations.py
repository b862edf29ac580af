"""The rules on activations: what each flags, and what looks like it and is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

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


def lin(into: int = 16, out: int = 16) -> nn.Linear:
    return nn.Linear(into, out)


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


def zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def squeeze_excite() -> nn.Module:
    def forward(net: Any, x: torch.Tensor) -> Any:
        gate = torch.sigmoid(net.b(F.relu(net.a(x.mean((2, 3))))))
        return net.conv(x * gate[:, :, None, None]).relu()

    return Net(forward, a=lin(16, 4), b=lin(4, 16), conv=nn.Conv2d(16, 16, 3))


def gated() -> nn.Module:
    def forward(net: Any, x: torch.Tensor) -> Any:
        return net.out(torch.tanh(net.a(x)) * torch.sigmoid(net.b(x)))

    return Net(forward, a=lin(), b=lin(), out=lin())


def hand_written_cell() -> nn.Module:
    def forward(net: Any, x: torch.Tensor) -> Any:
        state = torch.zeros_like(x)
        for _ in range(3):
            state = torch.tanh(net.a(x) + net.b(state))
        return net.out(state)

    return Net(forward, a=lin(), b=lin(), out=lin())


def skip(inner: nn.Module) -> nn.Module:
    return Net(lambda net, x: net.out((x + net.inner(x)).relu()), inner=inner, out=lin())


def dead() -> nn.Module:
    net = SEQ(lin(), nn.ReLU(), lin())
    nn.init.constant_(net[0].bias, -50.0)
    return net


def softmaxed(dim: int | None) -> nn.Module:
    return Net(lambda net, x: F.softmax(net.fc(x), dim=dim), fc=lin(16, 5))


FLAT = "1x16"
IMAGE = "1x16x8x8"
SEQUENCE = "2x7x16"


def attention(weigh: Callable[[Tensor], Tensor]) -> nn.Module:
    """Scores of a sequence with itself, and weights that something makes of them."""
    return Net(
        lambda n, x: weigh(n.q(x) @ n.k(x).transpose(1, 2)) @ n.v(x), q=lin(), k=lin(), v=lin()
    )


FLAGGED = [
    ("NN201", SEQ(lin(), lin(), nn.ReLU(), lin()), FLAT),
    ("NN201", SEQ(lin(), nn.Dropout(), lin(), nn.ReLU(), lin()), FLAT),
    ("NN201", SEQ(nn.Conv2d(16, 32, 3), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten()), IMAGE),
    ("NN201", SEQ(lin(), nn.BatchNorm1d(16), lin(), nn.ReLU(), lin()), "4x16"),
    ("NN202", SEQ(lin(), lin()), FLAT),
    ("NN202", SEQ(lin(), nn.Dropout(0.1), lin(), nn.Softmax(-1)), FLAT),
    ("NN202", SEQ(nn.Conv2d(16, 32, 3), nn.AvgPool2d(2), nn.Conv2d(32, 8, 3)), IMAGE),
    ("NN203", SEQ(lin(), nn.Sigmoid(), lin(), nn.ReLU(), lin()), FLAT),
    ("NN203", Net(lambda n, x: n.b(torch.sigmoid(n.a(x))), a=lin(), b=lin()), FLAT),
    ("NN203", SEQ(nn.Conv2d(16, 8, 3), nn.BatchNorm2d(8), nn.Sigmoid(), nn.MaxPool2d(2),
                  nn.Conv2d(8, 8, 2)), IMAGE),
    ("NN204", SEQ(lin(), nn.Tanh(), lin(), nn.Tanh(), lin()), FLAT),
    ("NN205", SEQ(lin(), nn.ReLU(), nn.Sigmoid()), FLAT),
    ("NN205", SEQ(lin(), nn.ReLU(), nn.Dropout(0.1), nn.Tanh(), lin()), FLAT),
    ("NN205", SEQ(lin(), nn.Softmax(-1), nn.Softmax(-1)), FLAT),
    ("NN206", dead(), FLAT),
    ("NN208", softmaxed(None), FLAT),
    ("NN208", SEQ(lin(), nn.Softmax()), FLAT),
    ("NN209", softmaxed(0), FLAT),
    ("NN209", SEQ(lin(), nn.LogSoftmax(0)), FLAT),
    ("NN210", attention(lambda s: s.softmax(1)), SEQUENCE),
    ("NN210", attention(lambda s: F.dropout(F.softmax(s, dim=-2), 0.1, False)), SEQUENCE),
    ("NN210", attention(lambda s: s.softmax(-1).masked_fill(s < 0, -1e9)), SEQUENCE),
]  # fmt: skip

SILENT = {
    "attention": (attention(lambda s: s.softmax(-1)), SEQUENCE),
    "masked attention": (attention(lambda s: s.masked_fill(s > 9, -1e9).softmax(-1)), SEQUENCE),
    "weights set to 0": (attention(lambda s: s.softmax(-1).masked_fill(s > 9, 0.0)), SEQUENCE),
    "attention transposed": (
        attention(lambda s: s.softmax(1).transpose(1, 2).contiguous()), SEQUENCE,
    ),
    "slots": (attention(lambda s: (a := s.softmax(1)) / a.sum(-1, keepdim=True)), SEQUENCE),
    "one layer": (SEQ(lin()), FLAT),
    "one layer and a softmax": (SEQ(lin(), nn.Softmax(-1)), FLAT),
    "a bottleneck": (SEQ(lin(16, 2), lin(2, 16), nn.ReLU(), lin()), FLAT),
    "a separable convolution": (
        SEQ(nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 32, 1), nn.ReLU()), IMAGE,
    ),
    "a frozen projection": (SEQ(frozen(lin()), lin(), nn.ReLU(), lin()), FLAT),
    "a transposed convolution": (
        SEQ(nn.ConvTranspose2d(16, 16, 2), nn.Conv2d(16, 16, 3), nn.ReLU()), IMAGE,
    ),
    "a layer that two use": (
        Net(lambda n, x: (lambda h: n.b(h).relu() + n.c(h))(n.a(x)), a=lin(), b=lin(), c=lin()),
        FLAT,
    ),
    "an activation by a formula": (
        Net(lambda n, x: n.b(torch.sin(30 * n.a(x))), a=lin(), b=lin()), FLAT,
    ),
    "squeeze and excite": (squeeze_excite(), IMAGE),
    "gates": (gated(), FLAT),
    "a recurrent cell": (hand_written_cell(), FLAT),
    "a sigmoid on the output": (SEQ(lin(), nn.ReLU(), lin(), nn.Sigmoid()), FLAT),
    "one tanh": (SEQ(lin(), nn.Tanh(), lin()), FLAT),
    "two activations around a skip": (skip(SEQ(lin(), nn.ReLU())), FLAT),
    "mish": (Net(lambda n, x: n.b((h := n.a(x)) * torch.tanh(F.softplus(h))), a=lin(), b=lin()),
             FLAT),
    "softmaxes over different dimensions": (
        SEQ(nn.Unflatten(1, (4, 4)), nn.Softmax(1), nn.Softmax(2)), FLAT,
    ),
    "a branch that starts at 0": (SEQ(zero(lin()), nn.ReLU(), lin()), FLAT),
    "a live ReLU": (SEQ(lin(), nn.ReLU(), lin()), FLAT),
    "samples against samples": (
        Net(lambda n, x: F.softmax((h := n.a(x)) @ h.T, dim=0), a=lin()), FLAT,
    ),
    "attention over the time, first": (
        Net(lambda n, x: F.softmax(n.a(x.transpose(0, 1)), dim=0), a=lin()), "2x7x16",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "net", "inputs"), FLAGGED)
def test_a_mistake_is_found_and_nothing_else(
    codes: Codes, code: str, net: nn.Module, inputs: str
) -> None:
    assert codes(net, inputs, "NN2") == [code]


@pytest.mark.parametrize("name", SILENT)
def test_what_only_looks_like_it_is_left_alone(codes: Codes, name: str) -> None:
    net, inputs = SILENT[name]
    assert codes(net, inputs, "NN2") == []


def test_a_norm_between_two_layers_makes_it_an_info(outcome: Callable[..., Any]) -> None:
    net = SEQ(lin(), nn.LayerNorm(16), lin(), nn.ReLU(), lin())
    (finding,) = outcome(net, FLAT, "NN201").findings
    assert finding.severity.word == "info"


def test_sigmoids_of_a_network_are_one_finding_that_leads_to_each(
    outcome: Callable[..., Any],
) -> None:
    net = SEQ(lin(), nn.Sigmoid(), lin(), nn.Sigmoid(), lin(), nn.Sigmoid(), lin())
    (finding,) = outcome(net, FLAT, "NN203").findings
    assert (finding.path, *finding.related) == ("1", "3", "5")
    assert "3 hidden" in finding.seen
