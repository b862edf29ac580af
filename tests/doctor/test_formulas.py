"""Functions that are written out are known for what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A function of what a layer gives."""

    def __init__(self, of: Function) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.of = of

    def forward(self, x: Tensor) -> Tensor:
        return self.of(self.fc(x))


def shares(x: Tensor) -> Tensor:
    """As those write it who keep it from overflowing."""
    powers = torch.exp(x - x.max(1, keepdim=True)[0])
    return powers / (powers.sum(1)[:, None] + 1e-9)


SIGMOIDS: list[Function] = [
    lambda x: 1 / (1 + torch.exp(-x)),
    lambda x: torch.reciprocal(1 + (-1 * x).exp()),
    lambda x: (1 + torch.exp(-x)) ** -1,
    lambda x: x.exp() / (1 + x.exp()),
    lambda x: 0.5 * (torch.tanh(x) + 1),
    lambda x: (1 + x.tanh()) / 2,
]
SOFTMAXES: list[Function] = [
    lambda x: torch.exp(x) / torch.exp(x).sum(1, keepdim=True),
    lambda x: torch.div(x.exp(), torch.sum(x.exp(), dim=1, keepdim=True)),
    lambda x: torch.exp(x - torch.logsumexp(x, 1, keepdim=True)),
    lambda x: F.log_softmax(x, 1).exp(),
    shares,
]
LOGARITHMS: list[Function] = [
    lambda x: torch.log(F.softmax(x, 1)),
    lambda x: (x.softmax(1) + 1e-8).log(),
    lambda x: torch.log(x.softmax(1).clamp(min=1e-8)),
]
CASES = [
    *(("sigmoid", function) for function in SIGMOIDS),
    *(("softmax", function) for function in SOFTMAXES),
    *(("log_softmax", function) for function in LOGARITHMS),
    ("logsigmoid", lambda x: torch.log(torch.sigmoid(x))),
]
OTHERS: list[tuple[str, Function]] = [
    ("rdiv", lambda x: 1 / (1 + torch.exp(x) ** 2)),
    ("rdiv", lambda x: 2 / (1 + torch.exp(-x))),
    ("div", lambda x: x / x.sum(1, keepdim=True)),
    ("div", lambda x: x.exp() / (2 * x).exp().sum(1, keepdim=True)),
    ("div", lambda x: x.exp() / x.exp().sum()),
    ("mul", lambda x: 0.5 * (torch.cos(x) + 1)),
    ("log", lambda x: torch.log(x.exp() + 1)),
    ("exp", lambda x: torch.exp(x - x.mean())),
]


@pytest.mark.parametrize(("name", "of"), CASES)
def test_the_end_of_a_formula_is_the_function_and_fed_by_its_argument(
    name: str, of: Function, gather: Any
) -> None:
    first, *_, last = gather(Net(of), "4,8").trace.steps
    assert (last.name, last.by_hand) == (name, True)
    assert last.producers == [first]
    assert first.consumers == [last]
    assert "softmax" not in name or last.option("dim") == 1


@pytest.mark.parametrize(("name", "of"), OTHERS)
def test_what_only_looks_like_a_formula_stays_what_it_is(
    name: str, of: Function, gather: Any
) -> None:
    last = gather(Net(of), "4,8").trace.steps[-1]
    assert (last.name, last.by_hand) == (name, False)
