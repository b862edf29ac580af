"""NN703, NN706 to NN709 and NN9xx: what batches forward and backward show, and near misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.protocol.findings import Severity

X = "4,8"


class Two(nn.Module):
    """Two layers, and something done between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.between(self.first(x)))

    def between(self, x: Tensor) -> Tensor:
        return x.relu()


class RootOfZero(Two):
    def between(self, x: Tensor) -> Tensor:
        return x + ((x - x) ** 2).sum(-1, keepdim=True).sqrt()


class RootOffZero(Two):
    def between(self, x: Tensor) -> Tensor:
        return x + (((x - x) ** 2).sum(-1, keepdim=True) + 1e-6).sqrt()


class LogOfAnything(Two):
    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)).log()


class LogOfProbabilities(Two):
    def forward(self, x: Tensor) -> Tensor:
        scores = self.second(self.first(x).relu())
        return F.log_softmax(scores.masked_fill(torch.eye(4, 2).bool(), float("-inf")), -1)


class Rounded(Two):
    def between(self, x: Tensor) -> Tensor:
        return x.round()


class RoundedStraightThrough(Two):
    def between(self, x: Tensor) -> Tensor:
        return x + (x.round() - x).detach()


class StartsAtZero(Two):
    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.second.weight)


class OneStepOfAState(Two):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(8, 8)

    def between(self, x: Tensor) -> Tensor:
        state: Tensor = self.cell(x)
        return state


class AddsInPlace(Two):
    def between(self, x: Tensor) -> Tensor:
        y = x.sigmoid()
        y += 1
        return y


class WritesIntoAPart(Two):
    def between(self, x: Tensor) -> Tensor:
        y = torch.tanh(x)
        y[:, 0] = 0
        return y


class ChangesAParameter(Two):
    def between(self, x: Tensor) -> Tensor:
        self.first.bias += 1
        return x.relu()


class InPlaceWhereItDoesNoHarm(Two):
    def between(self, x: Tensor) -> Tensor:
        x += 1
        return F.relu(x, inplace=True)


class Keeps(Two):
    """A state over batches, with its graph."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.state = nn.GRUCell(8, 8), None

    def between(self, x: Tensor) -> Tensor:
        self.state = self.cell(x, self.state)
        return x + self.state


class KeepsAMean(Two):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(8))

    def between(self, x: Tensor) -> Tensor:
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return x.relu() - 0.1


class MovesATable(KeepsAMean):
    def between(self, x: Tensor) -> Tensor:
        self.mean = self.mean.to(device=x.device, dtype=x.dtype)
        return x.relu() - self.mean


class GrowsATable(KeepsAMean):
    def table(self, x: Tensor, old: Tensor) -> Tensor:
        return old if len(old) >= x.shape[1] else torch.zeros(x.shape[1])

    def between(self, x: Tensor) -> Tensor:
        self.mean = self.table(x, self.mean)
        return x.relu() - self.mean


class KeepsNumbers(Keeps):
    def between(self, x: Tensor) -> Tensor:
        state: Tensor = self.cell(x, self.state)
        self.state = state.detach()  # type: ignore[assignment]
        return state


class Detached(Two):
    def between(self, x: Tensor) -> Tensor:
        return x.relu().detach()


class AsData(Two):
    def between(self, x: Tensor) -> Tensor:
        return x.relu().data


class WithoutGradients(Two):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.first(x).relu()
        return self.second(x)


class FrozenWithoutGradients(WithoutGradients):
    def __init__(self) -> None:
        super().__init__()
        self.first.requires_grad_(False)


class DetachesOneOfTwo(Two):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        z = self.first(x).relu()
        return self.second(z), z.detach()


class ThroughPython(Two):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor(self.second(self.first(x).relu()).tolist())


class DecoratedWithNoGrad(Two):
    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


class WholeNumbers(Two):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).argmax(-1)


def stack(depth: int, activation: Callable[[], nn.Module], gain: float = 1.0) -> nn.Sequential:
    """Layers of 32 units, drawn so that a gain of 1 keeps the scale before a linear layer."""
    layers: list[nn.Module] = [nn.Linear(8, 32)]
    for _ in range(depth):
        layer = nn.Linear(32, 32)
        nn.init.normal_(layer.weight, std=gain / 32**0.5)
        layers += [activation(), layer]
    return nn.Sequential(*layers)


def dead() -> nn.Module:
    model = Two()
    nn.init.constant_(model.first.bias, -100)
    return model


class LayerScaled(nn.Module):
    """Branches that start at 1e-6 of their size, and skips around them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 32), nn.Linear(32, 2)
        self.branches = nn.ModuleList(nn.Linear(32, 32) for _ in range(6))
        self.scale = nn.Parameter(torch.full((32,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for branch in self.branches:
            x = x + self.scale * branch(x.relu())
        return self.head(x)


FLAGGED: list[tuple[str, Callable[[], nn.Module]]] = [
    ("NN703", RootOfZero),
    ("NN706", LogOfAnything),
    ("NN707", Rounded),
    ("NN707", dead),
    ("NN708", lambda: stack(16, nn.Sigmoid)),
    ("NN708", lambda: stack(12, nn.Tanh, gain=0.2)),
    ("NN709", lambda: stack(12, nn.ReLU, gain=8)),
    ("NN901", Detached),
    ("NN901", AsData),
    ("NN901", WithoutGradients),
    ("NN902", AddsInPlace),
    ("NN902", WritesIntoAPart),
    ("NN902", ChangesAParameter),
    ("NN904", Keeps),
    ("NN904", KeepsAMean),
    ("NN903", ThroughPython),
    ("NN903", DecoratedWithNoGrad),
]

NEAR_MISSES: list[tuple[str, Callable[[], nn.Module]]] = [
    ("NN703", Two),
    ("NN703", RootOffZero),
    ("NN703", LogOfAnything),
    ("NN706", LogOfProbabilities),
    ("NN707", Two),
    ("NN707", RoundedStraightThrough),
    ("NN707", StartsAtZero),
    ("NN707", OneStepOfAState),
    ("NN708", lambda: stack(3, nn.Sigmoid)),
    ("NN708", lambda: stack(16, nn.ReLU, gain=2**0.5)),
    ("NN708", LayerScaled),
    ("NN709", lambda: stack(16, nn.ReLU, gain=2**0.5)),
    ("NN709", lambda: stack(16, nn.Sigmoid)),
    ("NN901", Two),
    ("NN901", FrozenWithoutGradients),
    ("NN901", DetachesOneOfTwo),
    ("NN901", RoundedStraightThrough),
    ("NN902", InPlaceWhereItDoesNoHarm),
    ("NN904", KeepsNumbers),
    ("NN904", MovesATable),
    ("NN904", GrowsATable),
    ("NN904", OneStepOfAState),
    ("NN903", Two),
    ("NN903", Detached),
    ("NN903", WholeNumbers),
    ("NN903", lambda: Two().requires_grad_(False)),
]


@pytest.mark.parametrize(("code", "network"), FLAGGED)
def test_the_rule_finds_it(code: str, network: Any, codes: Any) -> None:
    torch.manual_seed(0)
    assert codes(network(), X, code) == [code]


@pytest.mark.parametrize(("code", "network"), NEAR_MISSES)
def test_the_rule_leaves_it_alone(code: str, network: Any, codes: Any) -> None:
    torch.manual_seed(0)
    assert codes(network(), X, code) == []


def line(text: str) -> int:
    """The number of the line of this file that begins with a text."""
    lines = Path(__file__).read_text().splitlines()
    return 1 + next(i for i, each in enumerate(lines) if each.strip().startswith(text))


@pytest.mark.parametrize(
    ("code", "network", "text"),
    [
        ("NN703", RootOfZero, "return x + ((x - x) ** 2).sum(-1, keepdim=True).sqrt()"),
        ("NN901", Detached, "return x.relu().detach()"),
        ("NN902", AddsInPlace, "y = x.sigmoid()"),
        ("NN902", ChangesAParameter, "self.first.bias += 1"),
    ],
)
def test_a_finding_names_the_line_of_the_user(
    code: str, network: Any, text: str, outcome: Any
) -> None:
    (found,) = outcome(network(), X, code).findings
    assert (found.file, found.line) == (__file__, line(text))


def test_one_detach_is_one_finding_with_the_line_without_it(outcome: Any) -> None:
    (found,) = outcome(Detached(), X).findings
    assert (found.code, found.severity) == ("NN901", Severity.WARNING)
    assert found.change.startswith("return x.relu()  #")


def test_the_op_whose_backward_makes_the_nan_is_named(outcome: Any) -> None:
    (found,) = outcome(RootOfZero(), X, "NN703").findings
    assert "the first NaN is out of the backward of pow" in found.seen


def test_a_nan_output_says_where_it_begins(outcome: Any) -> None:
    model = nn.Sequential(nn.Linear(8, 8), LogOfAnything(), nn.Linear(2, 2))
    (found,) = outcome(model, X, "NN706").findings
    assert found.path == "1"
    assert found.severity is Severity.ERROR


def test_the_probes_leave_the_model_as_it_was(outcome: Any) -> None:
    model = StartsAtZero()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    outcome(model, X, "NN")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), state)
