"""The tree of modules and its parameters, counted without running anything."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune

from nninspect.engine.structure import Node, count_parameters, walk
from nninspect.protocol.layers import Mark
from nninspect.protocol.records import InputSpec


def counted(model: nn.Module) -> dict[str, Node]:
    nodes = walk(model)
    count_parameters(nodes)
    return {node.path: node for node in nodes}


def test_the_walk_is_in_pre_order_with_paths_and_depths() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU(), nn.ReLU()), nn.Tanh())
    nodes = walk(model)
    assert [node.path for node in nodes] == ["", "0", "1", "1.0", "1.1", "2"]
    assert [node.depth for node in nodes] == [0, 1, 1, 2, 2, 1]
    assert [node.parent for node in nodes] == [-1, 0, 0, 2, 2, 0]


def test_own_and_total_parameters_of_a_small_network() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.Linear(8, 2, bias=False), nn.ReLU()))
    nodes = counted(model)
    assert (nodes[""].own, nodes[""].total) == (0, 4 * 8 + 8 + 8 * 2)
    assert (nodes["0"].own, nodes["0"].total) == (40, 40)
    assert (nodes["1"].own, nodes["1"].total) == (0, 16)


def test_parameters_held_directly_are_the_modules_own() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))
            self.shift = nn.ParameterList([torch.ones(2), torch.ones(2)])
            self.none = nn.Parameter(None)
            self.register_parameter("nothing", None)
            self.fc = nn.Linear(1, 1)

    nodes = counted(Net())
    assert (nodes[""].own, nodes[""].total) == (3, 3 + 4 + 2)
    assert nodes["shift"].own == 4


def test_frozen_parameters_are_not_trainable() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    model[0].requires_grad_(False)
    nodes = counted(model)
    assert [nodes[path].trainable for path in ("", "0", "1")] == [18, 0, 18]


def test_a_shared_module_counts_once_where_both_are_below() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(nn.Sequential(shared), nn.Sequential(shared), shared)
    nodes = counted(model)
    assert nodes[""].total == 20
    assert [nodes[path].total for path in ("0", "0.0", "1", "1.0", "2")] == [20] * 5
    assert [nodes[path].own for path in ("0.0", "1.0", "2")] == [20] * 3
    assert [nodes[path].is_shared for path in ("0.0", "1.0", "2")] == [False, True, True]
    assert nodes["2"].first_path == "0.0"


def test_a_tied_weight_counts_once_where_both_are_below() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Sequential(nn.Linear(4, 10)))
    model[1][0].weight = model[0].weight
    nodes = counted(model)
    assert nodes[""].total == 40 + 10
    assert nodes["1"].total == 50
    assert nodes["1.0"].tied == ["weight = 0.weight"]
    assert nodes["0"].tied == []
    assert [list(nodes)[place] for place in nodes["1.0"].tied_to] == ["0"]


def test_a_parameter_with_two_names_in_one_module_counts_once() -> None:
    layer = nn.Bilinear(2, 2, 2, bias=False)
    layer.again = layer.weight
    assert counted(layer)[""].total == 8


def test_a_module_that_contains_itself_ends_the_tree() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model.add_module("me", model)
    nodes = counted(model)
    assert list(nodes) == ["", "0", "me"]
    assert nodes["me"].is_cycle
    assert nodes[""].total == nodes["me"].total == 6


def test_a_thousand_levels_are_walked_and_counted() -> None:
    model: nn.Module = nn.Linear(1, 1)
    for _ in range(1000):
        model = nn.Sequential(model)
    nodes = walk(model)
    count_parameters(nodes)
    assert len(nodes) == 1001
    assert nodes[0].total == 2


def test_ten_times_as_many_modules_take_no_square_of_that() -> None:
    def seconds(boxes: int) -> float:
        model = nn.Sequential(
            *(nn.Sequential(*(nn.ReLU() for _ in range(98)), nn.Linear(1, 1)) for _ in range(boxes))
        )
        started = time.process_time()
        nodes = walk(model)
        count_parameters(nodes)
        took = time.process_time() - started
        assert len(nodes) == 100 * boxes + 1
        assert nodes[0].total == 2 * boxes
        return took

    assert seconds(200) < 50 * seconds(20)


def test_a_lazy_parameter_counts_nothing_until_it_has_a_shape() -> None:
    model = nn.Sequential(nn.LazyLinear(4))
    assert counted(model)[""].total == 0
    model(torch.ones(1, 3))
    assert counted(model)[""].total == 16


def test_a_parametrized_and_a_pruned_weight_count_where_they_are_kept() -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 2)), nn.Linear(3, 2))
    prune.l1_unstructured(model[1], "weight", amount=0.5)
    nodes = counted(model)
    assert nodes["0"].own == 2
    assert nodes["0"].total == 2 + 2 + 6
    assert nodes["1"].total == 8


def test_a_scripted_module_is_walked() -> None:
    nodes = counted(torch.jit.script(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))))
    assert nodes[""].total == 8 + 6
    assert nodes["1"].own == 6


@st.composite
def _networks(draw: st.DrawFn) -> nn.Module:
    """Random graphs of modules that share modules and parameters, cycles included."""
    pick = random.Random(draw(st.integers(0, 2**32)))
    pool = [nn.Parameter(torch.zeros(pick.randint(1, 9))) for _ in range(pick.randint(1, 6))]
    for parameter in pool:
        parameter.requires_grad = pick.random() < 0.7
    modules = [nn.Module() for _ in range(pick.randint(1, 12))]
    for place, module in enumerate(modules):
        for number in range(pick.randint(0, 3)):
            module.register_parameter(f"p{number}", pick.choice(pool))
        may_cycle = pick.random() < 0.15
        children = modules if may_cycle else modules[place + 1 :]
        for number in range(pick.randint(0, 3) if children else 0):
            module.add_module(f"m{number}", pick.choice(children))
    return modules[0]


@given(_networks())
@settings(max_examples=300, deadline=None)
def test_every_subtree_counts_each_of_its_parameters_once(model: nn.Module) -> None:
    nodes = walk(model)
    count_parameters(nodes)
    for node in nodes:
        unique = {id(p): p for p in node.module.parameters()}.values()
        own = {id(p): p for p in node.module.parameters(recurse=False)}.values()
        assert node.own == sum(p.numel() for p in own)
        assert node.total == sum(p.numel() for p in unique)
        assert node.trainable == sum(p.numel() for p in unique if p.requires_grad)


@pytest.mark.parametrize("wrap", [nn.Sequential, lambda part: part])
def test_the_rows_of_a_shared_and_of_a_cyclic_module_are_marked(
    wrap: Callable[[nn.Module], nn.Module], look: Callable[..., object]
) -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(wrap(shared), shared)
    rows = look(model).rows  # type: ignore[attr-defined]
    assert Mark.SHARED in rows["1"].marks
    assert rows["1"].notes[0] == f"the same module as {'0.0' if wrap is nn.Sequential else '0'}"


class Backwards(nn.Module):
    """Registered in another order than it is called in: a head before its body, a list of two."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.spare = nn.Linear(4, 4)
        self.body = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.stem = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(x))
        for layer in reversed(self.body):
            x = layer(x)
        return self.head(x).sigmoid()


def test_rows_stand_as_the_forward_calls_them_and_what_it_never_called_comes_last(
    look: Callable[..., Any],
) -> None:
    rows = look(Backwards(), InputSpec((1, 4))).rows
    assert list(rows) == [
        "", "stem", "relu", "body", "body.0", "body.1", "head", "sigmoid", "spare",
    ]  # fmt: skip


def test_a_shared_module_is_entered_where_it_is_called_first(look: Callable[..., Any]) -> None:
    class Sharing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.Sequential(nn.Linear(4, 4))
            self.late = nn.Sequential(self.part, nn.ReLU())
            self.early = nn.Sequential(self.part, nn.Tanh())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.late(self.early(x))

    rows = look(Sharing(), InputSpec((1, 4))).rows
    assert list(rows)[:4] == ["", "early", "early.0", "early.0.0"]
    assert [path for path, row in rows.items() if row.marks & Mark.SHARED] == ["part", "late.0"]


def test_a_failed_forward_has_what_it_did_not_reach_last(look: Callable[..., Any]) -> None:
    model = Backwards()
    model.body[0] = nn.Linear(3, 4)
    seen = look(model, InputSpec((1, 4)))
    assert seen.inspection.failure.where == "body.0"
    assert list(seen.rows)[-2:] == ["head", "spare"]
