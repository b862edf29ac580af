"""What the tests of the bundled networks share: build one, make its inputs, take its loss."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.plugin import InputSpec, ModelCard, find_card


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def card() -> Callable[[str], ModelCard]:
    """The card of that name."""

    def find(name: str) -> ModelCard:
        found = find_card(f"bundled/{name}")
        assert found is not None, name
        return found

    return find


@pytest.fixture
def build(card: Callable[[str], ModelCard]) -> Callable[..., nn.Module]:
    """The network of that name, always with the same weights."""

    def make(name: str, **settings: object) -> nn.Module:
        module, _, attribute = card(name).factory.partition(":")
        torch.manual_seed(0)
        network: nn.Module = getattr(import_module(module), attribute)(**settings)
        return network

    return make


def _tensor(spec: InputSpec) -> Tensor:
    if spec.dtype == "int64":
        assert spec.low is not None
        assert spec.high is not None
        return torch.randint(int(spec.low), int(spec.high), spec.shape)
    return torch.randn(spec.shape, dtype=getattr(torch, spec.dtype))


@pytest.fixture
def inputs(card: Callable[[str], ModelCard]) -> Callable[..., dict[str, Tensor]]:
    """Random inputs as the card describes them, by keyword; "" is the one passed by position."""

    def make(name: str, batch: int = 1) -> dict[str, Tensor]:
        return {spec.name: _tensor(spec.with_batch(batch)) for spec in card(name).inputs}

    return make


@pytest.fixture
def run(inputs: Callable[..., dict[str, Tensor]]) -> Callable[..., object]:
    """Calls a network on the inputs given, or on random ones of that batch size."""

    def call(
        name: str, network: nn.Module, batch: int = 1, given: dict[str, Tensor] | None = None
    ) -> object:
        by_keyword = dict(given or inputs(name, batch))
        positional = [by_keyword.pop("")] if "" in by_keyword else []
        return network(*positional, **by_keyword)

    return call


@pytest.fixture
def loss_of(card: Callable[[str], ModelCard]) -> Callable[[str, Tensor], Tensor]:
    """The loss that the card names, of an output against a random target."""

    def take(name: str, output: Tensor) -> Tensor:
        loss = card(name).loss
        target = {
            "cross_entropy": lambda: torch.randint(output.shape[1], output.shape[:1]),
            "mse_loss": lambda: torch.randn_like(output),
            "binary_cross_entropy_with_logits": lambda: torch.rand_like(output).round(),
        }[loss]()
        value: Tensor = getattr(F, loss)(output, target)
        return value

    return take
