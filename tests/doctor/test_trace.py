"""The trace: steps by what they do, with what led where, through what only moves numbers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from nninspect.doctor.roles import Role
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace


class Block(nn.Module):
    """A layer and a function, a skip, a reshape, and a dictionary out."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.weight = nn.Parameter(torch.eye(8))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = F.relu(self.inner(x).view(-1, 8))
        joined = F.linear(hidden, self.weight) + x
        return {"aux_loss": joined.mean(), "logits": joined.flatten(1)}


def named(trace: Trace, name: str) -> Step:
    (step,) = [step for step in trace.steps if step.name == name and step.module is None]
    return step


def test_layers_and_functions_of_one_kind_have_one_role(gather: Any) -> None:
    trace = gather(Block(), "2x8").trace
    assert [step.name for step in trace.of(Role.AFFINE)] == ["linear", "linear"]
    assert [step.path for step in trace.of(Role.AFFINE)] == ["inner", "linear"]


def test_what_only_reshapes_is_looked_through(gather: Any) -> None:
    trace = gather(Block(), "2x8").trace
    relu = named(trace, "relu")
    assert trace.only_before(relu).path == "inner"
    assert trace.only_before(relu, ()).name == "view"
    assert trace.only_after(trace.only_before(relu)) is relu


def test_a_sum_has_both_producers_and_the_input_is_none(gather: Any) -> None:
    trace = gather(Block(), "2x8").trace
    first, second = trace.before(named(trace, "add"))
    assert first is named(trace, "linear")
    assert second is None


def test_the_primary_output_is_not_the_loss(gather: Any) -> None:
    trace = gather(Block(), "2x8").trace
    assert trace.output is named(trace, "flatten")
    assert trace.is_returned(named(trace, "add"))
    assert not trace.is_returned(named(trace, "relu"))


def test_a_functional_layer_knows_its_weights_and_its_line(gather: Any) -> None:
    trace = gather(model := Block(), "2x8").trace
    linear = named(trace, "linear")
    assert linear.weights == (model.weight,)
    assert linear.at.file == __file__
    assert "F.linear" in open(__file__).read().splitlines()[linear.at.line - 1]  # noqa: SIM115


def test_arguments_are_known_by_name_however_they_were_passed(gather: Any) -> None:
    class Softmax(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.softmax(x, 1) + F.softmax(x, dim=1)

    steps = gather(Softmax(), "2x8").trace.of(Role.SOFTMAX)
    assert [step.option("dim") for step in steps] == [1, 1]


def test_a_shared_layer_has_a_step_for_each_call(gather: Any) -> None:
    layer = nn.Linear(8, 8)
    trace = gather(nn.Sequential(layer, nn.ReLU(), layer), "2x8").trace
    assert len(trace.of_module(layer)) == 2


class Parent(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x)  # type: ignore[no-any-return]


def test_a_layer_that_two_share_stands_where_the_tree_has_it_first(gather: Any) -> None:
    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            shared = nn.Linear(8, 8)
            self.early, self.late = Parent(shared), Parent(shared)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.early(self.late(x))  # type: ignore[no-any-return]

    steps = gather(Crossed(), "2x8").trace.of(Role.AFFINE)
    assert [step.path for step in steps] == ["late.part", "late.part"]
