"""Looking at a model leaves it as it was, whether its forward returns or raises."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.session import Session
from nninspect.engine.unchanged import unchanged
from nninspect.errors import Interrupted
from nninspect.protocol.records import InputSpec, Setup

Look = Callable[..., Any]


class Net(nn.Module):
    """Everything that a look could change: norms, dropout, hooks, gradients, mixed modes."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.BatchNorm2d(4)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("kept", torch.zeros(2))
        self.register_buffer("nothing", None)
        self.fails = fails

    def forward(self, x: Tensor) -> Tensor:
        self.steps += 1
        self.kept = torch.ones(2)
        torch.rand(3)
        x = self.frozen(self.dropout(self.norm(self.conv(x.add_(1)))))
        if self.fails:
            raise RuntimeError("as asked")
        return x


def state(model: Net) -> dict[str, Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return {
        "modes": [module.training for module in model.modules()],
        "hooks": [[list(getattr(m, name)) for name in hooks] for m in model.modules()],
        "values": {name: t.clone() for name, t in model.state_dict().items()},
        "identities": {name: id(t) for name, t in model.state_dict(keep_vars=True).items()},
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "trainable": [p.requires_grad for p in model.parameters()],
        "random": torch.get_rng_state(),
        "grad mode": torch.is_grad_enabled(),
        "call": (nn.Module.__call__, nn.Module.__call__.__code__),
        "fused": torch.backends.mha.get_fastpath_enabled(),
    }


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.fixture(params=["returns", "raises"])
def model(request: pytest.FixtureRequest) -> Net:
    model = Net()
    model(torch.ones(2, 3, 8, 8)).sum().backward()
    model.fails = request.param == "raises"
    model.conv.bias.requires_grad_(False)
    model.register_forward_hook(lambda *_: None)
    model.train()
    model.frozen.eval()
    return model


@pytest.mark.parametrize("training", [True, False])
def test_a_look_changes_nothing(model: Net, training: bool, look: Look) -> None:
    before = state(model)
    seen = look(model, InputSpec((2, 3, 8, 8)), training=training)
    assert (seen.inspection.failure is not None) == model.fails
    after = state(model)
    assert [name for name in before if not equal(before[name], after[name])] == []


def test_the_whole_model_is_in_the_asked_mode_during_the_forward(look: Look) -> None:
    modes: list[bool] = []
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].eval()
    for module in model:
        module.register_forward_hook(lambda module, *_: modes.append(module.training))
    look(model, InputSpec((1, 2)), training=True)
    assert all(modes)
    assert [module.training for module in model.modules()] == [True, False, True]


def test_a_guess_that_fails_changes_nothing_either(look: Look) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(1, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    assert "none of" in look(model, training=True).inspection.inputs_from
    assert equal(before, dict(model.state_dict()))
    assert torch.equal(random, torch.get_rng_state())


def test_an_interrupt_changes_nothing() -> None:
    model = Net().train()
    model.frozen.eval()
    before = state(model)

    def interrupted() -> None:
        with unchanged(model):
            model.eval()
            model(torch.ones(2, 3, 8, 8))
            model.register_forward_hook(lambda *_: None)
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    assert equal(before, state(model))


def test_a_buffer_that_grows_is_as_it_was() -> None:
    model = nn.Module()
    model.register_buffer("cache", torch.arange(3.0))
    with unchanged(model):
        model.cache.resize_(7).fill_(9)
    assert torch.equal(model.cache, torch.arange(3.0))


def test_a_buffer_that_overlaps_itself_and_stays_is_no_trouble() -> None:
    model = nn.Module()
    model.register_buffer("ids", torch.arange(3).expand(4, 3))
    with unchanged(model):
        model.ids.sum()
    assert model.ids.shape == (4, 3)


def test_a_user_mode_that_keeps_a_part_frozen_is_respected(look: Look) -> None:
    class Frozen(nn.Sequential):
        def train(self, mode: bool = True) -> Frozen:
            super().train(mode)
            self[1].eval()
            return self

    model = Frozen(nn.Linear(2, 2), nn.BatchNorm1d(2))
    modes: list[bool] = []
    model[1].register_forward_hook(lambda module, *_: modes.append(module.training))
    look(model, InputSpec((1, 2)), training=True)
    assert not any(modes)


@pytest.mark.parametrize("fails", [False, True])
def test_a_dropped_model_is_freed(
    fails: bool, write: Callable[..., Path], session: Session
) -> None:
    write(
        "net.py",
        f"""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)

            def forward(self, x):
                x = self.fc(x)
                if {fails}:
                    raise RuntimeError
                return x
        """,
    )
    setup = Setup(target="net.py:Net")
    session.inspect(setup, reload=False, progress=lambda stage, fraction: None)
    model = weakref.ref(session.loaded(setup, reload=False, progress=lambda *_: None).model)
    session.inspect(Setup(target="mlp-module"), reload=False, progress=lambda stage, fraction: None)
    gc.collect()
    assert model() is None


def test_a_sparse_buffer_is_as_it_was_and_stops_nobody() -> None:
    model = nn.Module()
    model.register_buffer("graph", torch.eye(3).to_sparse())
    with unchanged(model):
        model.graph.mul_(2)
    assert torch.equal(model.graph.to_dense(), torch.eye(3))


class Keeps(nn.Module):
    """A forward that leaves its mark on everything but parameters, buffers and modes."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self.rnn, self.head = nn.GRU(4, 4), nn.Linear(4, 2)
        self.slow = nn.Linear(4, 2).requires_grad_(False)
        self.hidden: Tensor | None = None
        self.once, self.cache = torch.ones(4), torch.zeros(3)
        self.history: list[float] = [0.5]
        self.seen: dict[str, int] = {"looks": 0}
        self.count, self.fails = 0, fails
        self.projector: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        assert self.count == 1, "it ran before"
        x = x * self.once
        del self.once
        x, self.hidden = self.rnn(x, self.hidden)
        self.cache += random.random() + numpy.random.rand()
        self.history.append(float(x.detach().mean()))
        self.seen["looks"] += 1
        self.seen["last"] = 1
        self.new = x
        self.slow.weight.data.mul_(0.9)
        self.head = nn.Linear(4, 2)
        if self.projector is None:
            self.projector = nn.Linear(2, 3)
        if self.fails:
            raise RuntimeError("as asked")
        return self.projector(self.head(x) + self.slow(x))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("inputs", [(), (InputSpec((5, 1, 4)),)])
def test_a_look_leaves_attributes_parts_and_every_random_state(
    fails: bool, inputs: tuple[InputSpec, ...], look: Look
) -> None:
    model = Keeps(fails=fails)
    attributes, parts = dict(vars(model)), dict(model.named_modules())
    values = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    randoms = random.getstate(), numpy.random.get_state()[1].tolist()
    seen = look(model, *inputs)
    problem = seen.inspection.failure
    assert problem is None or "as asked" in problem.message
    assert (problem is not None) == fails
    assert dict(model.named_modules()) == parts
    assert list(vars(model)) == list(attributes)
    assert all(vars(model)[name] is value for name, value in attributes.items())
    assert model.history == [0.5]
    assert model.seen == {"looks": 0}
    assert torch.equal(model.cache, torch.zeros(3))
    assert equal(values, dict(model.state_dict()))
    assert randoms == (random.getstate(), numpy.random.get_state()[1].tolist())


def test_a_part_that_the_forward_makes_stands_in_the_tree_and_not_in_the_model(look: Look) -> None:
    model = Keeps(fails=False)
    seen = look(model)
    assert seen.rows["projector"].total_parameters == 9
    assert seen.inspection.totals.parameters == seen.rows[""].total_parameters
    assert model.projector is None
