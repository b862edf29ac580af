"""NN5xx: each rule on networks that it flags, with exactly its code, and on near misses."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.doctor.runner import Outcome
from nninspect.protocol.findings import CheckResult, Finding, Severity


class Head(nn.Module):
    """A good network of two layers; the others differ from it in one thing."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(x)))


class ListOfLayers(Head):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = {"a": [nn.Linear(8, 8)]}

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.relu(self.hidden["a"][0](x)))


class ListOfRegistered(Head):
    def __init__(self) -> None:
        super().__init__()
        self.order = [self.fc1, self.fc2]


class PlainLeaf(Head):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.ones(8, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scale)


class ComputedParameter(Head):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8)) * 0.1

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scale)


class ListOfParameters(Head):
    def __init__(self) -> None:
        super().__init__()
        self.scales = [nn.Parameter(torch.ones(8)) for _ in range(2)]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scales[0] * self.scales[1])


class ComputedOfRegistered(Head):
    def __init__(self) -> None:
        super().__init__()
        self.tied = self.fc1.weight.t() @ self.fc1.weight

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x @ self.tied.detach())


class PlainMask(Head):
    def __init__(self) -> None:
        super().__init__()
        self.mask = torch.ones(8)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.mask)


class BufferMask(PlainMask):
    def __init__(self) -> None:
        Head.__init__(self)
        self.register_buffer("mask", torch.ones(8))


class Cached(Head):
    def __init__(self) -> None:
        super().__init__()
        self.latest = torch.zeros(2, 8)

    def forward(self, x: Tensor) -> Tensor:
        self.latest = x
        return super().forward(self.latest)


class Number(Head):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.tensor(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scale)


class Empty(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class MadeInForward(Head):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.relu(nn.Linear(8, 8)(x)))


class ParameterMadeInForward(Head):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + nn.Parameter(torch.zeros(8)))


class ActivationMadeInForward(Head):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.ReLU()(self.fc1(x)))


class Unused(Head):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)


class Dropped(Head):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        self.norm(x)
        return super().forward(x)


class InABranch(Head):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        return super().forward(x if context is None else self.norm(x + context))


class UsedInTraining(Head):
    def __init__(self) -> None:
        super().__init__()
        self.aux = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        return (super().forward(x), self.aux(x)) if self.training else super().forward(x)


class WeightUsedDirectly(Head):
    def __init__(self) -> None:
        super().__init__()
        self.tied = nn.Linear(8, 8, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.relu(F.linear(x, self.tied.weight)))


class UncalledDropout(Head):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)


class HasALoss(Head):
    def __init__(self) -> None:
        super().__init__()
        self.criterion = nn.CrossEntropyLoss()


class UsedInPredict(Head):
    def __init__(self) -> None:
        super().__init__()
        self.softmax = nn.Softmax(dim=-1)

    def predict(self, x: Tensor) -> Tensor:
        return self.softmax(self(x))


def repeated() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), *[nn.Sequential(nn.ReLU(), nn.Linear(8, 8))] * 3)


def shared_activation() -> nn.Module:
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(8, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 4))


def frozen() -> nn.Module:
    return Head().requires_grad_(False)


def frozen_backbone() -> nn.Module:
    model = Head()
    model.fc1.requires_grad_(False)
    return model


def weight_norm() -> nn.Module:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(8, 4))


FLAGGED = [
    ("NN501", ListOfLayers), ("NN502", PlainLeaf), ("NN502", ComputedParameter),
    ("NN502", ListOfParameters), ("NN503", PlainMask), ("NN504", repeated), ("NN505", Empty),
    ("NN506", frozen), ("NN507", MadeInForward), ("NN507", ParameterMadeInForward),
    ("NN508", Unused), ("NN508", Dropped), ("NN509", UncalledDropout),
]  # fmt: skip
SILENT = [
    Head, ListOfRegistered, ComputedOfRegistered, BufferMask, Cached, Number, shared_activation,
    frozen_backbone, weight_norm, ActivationMadeInForward, InABranch, UsedInTraining,
    WeightUsedDirectly, HasALoss, UsedInPredict, nn.ReLU,
]  # fmt: skip


@pytest.mark.parametrize(("code", "make"), FLAGGED)
def test_a_mistake_is_found_with_exactly_its_code(
    code: str, make: Callable[[], nn.Module], codes: Callable[..., list[str]]
) -> None:
    assert codes(make(), "2,8", "NN5") == [code]


@pytest.mark.parametrize("make", SILENT)
def test_a_near_miss_is_silent(
    make: Callable[[], nn.Module], codes: Callable[..., list[str]]
) -> None:
    assert codes(make(), "2,8", "NN5") == []


def only(outcome: Outcome) -> Finding:
    (finding,) = outcome.findings
    return finding


def test_unused_parameters_are_one_finding_and_counted(outcome: Callable[..., Outcome]) -> None:
    finding = only(outcome(Unused(), "2,8", "NN508"))
    assert finding.path == "norm"
    assert "norm.weight, norm.bias: 16 parameters" in finding.seen
    assert finding.severity is Severity.WARNING


def test_an_unused_parameter_is_an_info_where_the_input_was_guessed(
    check_source: Callable[..., CheckResult],
) -> None:
    source = """
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 4)
                self.norm = nn.LayerNorm(4)
            def forward(self, x):
                return self.fc(x)
        """
    (given,) = check_source(source, "2,8").findings
    (guessed,) = check_source(source).findings
    assert (given.severity, guessed.severity) == (Severity.WARNING, Severity.INFO)


def test_a_lost_layer_is_shown_where_it_is_made(outcome: Callable[..., Outcome]) -> None:
    finding = only(outcome(ListOfLayers(), "2,8", "NN501"))
    assert finding.file == __file__
    assert "72 parameters" in finding.seen


LAYER = "nn.Linear(8, 8)"


@pytest.mark.parametrize(
    ("held", "change"),
    [
        (f"[{LAYER}]", f"nn.ModuleList([{LAYER}])"),
        (f"{{'a': {LAYER}}}", f"nn.ModuleDict({{'a': {LAYER}}})"),
        (f"[({LAYER},)]", f"nn.ModuleList((nn.ModuleList(each) for each in [({LAYER},)]))"),
        (f"[[{LAYER}]]", f"nn.ModuleList((nn.ModuleList(each) for each in [[{LAYER}]]))"),
    ],
)  # fmt: skip
def test_a_container_of_containers_is_registered_with_what_it_holds(
    held: str, change: str, check_source: Callable[..., CheckResult]
) -> None:
    source = """
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 4)
                self.held = {}
            def forward(self, x):
                return self.fc(x)
        """
    (found,) = check_source(source.format(held), "2,8", select=("NN501",)).findings
    mended = found.change
    assert eval(mended.partition("= ")[2], {"nn": nn})  # what is proposed runs
    assert ast.dump(ast.parse(mended)) == ast.dump(ast.parse(f"self.held = {change}"))
    registered = source.replace("self.held = {}", mended)
    assert not check_source(registered, "2,8", select=("NN501",)).findings
