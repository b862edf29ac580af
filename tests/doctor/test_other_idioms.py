"""The doctor on mistakes made in less usual ways, and on what only looks like one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.utils.rnn import pack_padded_sequence

from nninspect.doctor.catalog import all_rules
from nninspect.doctor.runner import run_rules
from nninspect.protocol.findings import Finding, Severity

CE, BCE, MSE = "cross_entropy", "binary_cross_entropy_with_logits", "mse_loss"


class Two(nn.Module):
    """Two layers, and whatever is done with them."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Any:
        return self.b(F.relu(self.a(x)))


class Shares(Two):
    def forward(self, x: Tensor) -> Tensor:
        z = super().forward(x)
        return z.exp() / z.exp().sum(-1, keepdim=True)


class BoundedSigmoid(Two):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).sigmoid().clamp(1e-6, 1 - 1e-6)


class SoftmaxToPredict(Two):
    def forward(self, x: Tensor) -> Tensor:
        z = super().forward(x)
        return z if self.training else z.softmax(-1)


class Clamped(Two):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(min=0)


class Picked(Two):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).max(1)[1]


class MadeOfResult(Two):
    def forward(self, x: Tensor) -> Any:
        return nn.ReLU(self.a(x))  # type: ignore[arg-type]


class Plain:
    """No module."""

    def __init__(self) -> None:
        self.layer = nn.Linear(8, 8)

    def __call__(self, x: Tensor) -> Tensor:
        return F.relu(self.layer(x))


class HeldElsewhere(Two):
    def __init__(self) -> None:
        super().__init__()
        self.plain = Plain()

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.plain(F.relu(self.a(x))))


class InAClosure(Two):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.Linear(8, 8)
        self.act = lambda x: F.relu(layer(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.act(F.relu(self.a(x))))


def dense(x: Tensor) -> Tensor:
    return F.relu(nn.Linear(x.shape[-1], 8)(x))


class MadeByAFunction(Two):
    def forward(self, x: Tensor) -> Tensor:
        return self.b(dense(F.relu(self.a(x))))


class Positions(Two):
    def forward(self, x: Tensor) -> Tensor:
        place = torch.arange(x.shape[1]).float()[None]
        return super().forward(x + place)


class PositionsOfOwn(Two):
    """Two tensors of the CPU meet each other, and are moved."""

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(8)
        return super().forward(x + (places[None] - places[:, None]).to(x)[0])


class NamedDevice(Two):
    def forward(self, x: Tensor) -> Tensor:
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        return super().forward(x.to(device))


class Chosen(Two):
    """A router that is never trained: only its choice goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(self.table(self.a(x).argmax(-1))))


class Copied(Two):
    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(torch.tensor(self.a(x))))


class SigmoidByHand(Two):
    def forward(self, x: Tensor) -> Tensor:
        return self.b(1 / (1 + torch.exp(-self.a(x))))


class Standardised(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.weight.reshape(1, len(self.weight), -1)
        weight = F.batch_norm(rows, None, None, training=True).view_as(self.weight)
        return F.conv2d(x, weight, self.bias)


class Convolutions(nn.Sequential):
    def __init__(self, *between: nn.Module) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 3), *between, nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(32 * 16, 4),
        )  # fmt: skip


class Separable(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 8, (1, 3)), nn.Conv2d(8, 8, (3, 1)), nn.ReLU())


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.long().sum(1).clamp(min=1)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.out(self.rnn(packed)[1][-1])


class TimeFirst(nn.Module):
    """(T, B, 4), as recurrent layers have it by default."""

    def __init__(self, *, last: bool = False) -> None:
        super().__init__()
        self.rnn, self.out, self.last = nn.LSTM(4, 8), nn.Linear(8, 2), last

    def forward(self, x: Tensor) -> Tensor:
        states = self.rnn(x)[0]
        return self.out(states[-1] if self.last else states)


class Forecast(nn.Module):
    """A value for each step."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(4, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0])


class BatchFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(4, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:  # x: (batch, time, 4)
        return self.out(self.rnn(x)[0])


class FirstState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(4, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x, x.new_zeros(1, x.shape[1], 8))[0])


class Graph(Two):
    """Rows are the nodes of one graph."""

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:  # type: ignore[override]
        return self.b(adjacency @ F.relu(self.a(x)))


class TimeFirstTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.register_buffer("places", torch.randn(32, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x + self.places[: len(x)])


class ToTheIdentity(Two):
    """Starts at a fixed answer, as a spatial transformer."""

    def __init__(self) -> None:
        super().__init__(6)
        nn.init.zeros_(self.b.weight)
        self.b.bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
        self.c = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(super().forward(x).tanh())


class AllZero(Two):
    def __init__(self) -> None:
        super().__init__()
        for layer in (self.a, self.b):
            nn.init.zeros_(layer.weight)


def squashed(depth: int = 6) -> nn.Module:
    layers = [m for _ in range(depth) for m in (nn.Linear(8, 8), nn.Softsign(), nn.Sigmoid())]
    return nn.Sequential(*layers, nn.Linear(8, 2))


def normed_by_hand() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.InstanceNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


class OwnWeights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(8, 16)), nn.Parameter(torch.randn(16, 2))
        self.scale = nn.Parameter(torch.ones(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        return (F.relu(x @ self.a) @ self.b) * self.scale


class Counting(Two):
    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x) * self.calls


class Skipping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(12))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + F.relu(layer(x)) * (random.random() > 0.3)
        return x


MISTAKES: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "NN301 by hand": (Shares, "4,8", CE),
    "NN301 kept off 0 and 1": (lambda: BoundedSigmoid(1), "4,8", BCE),
    "NN302 by clamp": (Clamped, "4,8", CE),
    "NN306 by max": (Picked, "4,8", CE),
    "NN107 returned": (MadeOfResult, "4,8", ""),
    "NN501 in an object": (HeldElsewhere, "4,8", ""),
    "NN501 in a closure": (InAClosure, "4,8", ""),
    "NN507 by a function": (MadeByAFunction, "4,8", ""),
    "NN802 sliced": (Positions, "4,8", ""),
    "NN803 by a name": (NamedDevice, "4,8", ""),
    "NN201 convolutions": (Convolutions, "2,3,8,8", ""),
    "NN603 by its shapes (batch, time)": (BatchFirst, "5,4,4", ""),
    "NN901 by a choice": (Chosen, "4,8", ""),
    "NN901 by a copy": (Copied, "4,8", ""),
    "NN203 written out": (SigmoidByHand, "4,8", ""),
    "NN412 by a count": (Counting, "4,8", ""),
    "NN412 by Python's own": (Skipping, "4,8", ""),
    "NN702 everything": (AllZero, "4,8", ""),
    "NN702 by hand": (OwnWeights, "4,8", ""),
}


class Lambdas(Two):
    """A copy of it runs the layers of the original."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = [lambda x: F.relu(self.a(x)), lambda x: self.b(x)]

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x


class Ensemble(nn.Module):
    """One forward for the weights of several."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(Two() for _ in range(2))
        vars(self)["base"] = Two().to("meta")

    def forward(self, x: Tensor) -> Tensor:
        weights, buffers = stack_module_state(list(self.members))
        base = vars(self)["base"]
        return vmap(lambda w, b: functional_call(base, (w, b), (x,)))(weights, buffers).mean(0)


HEALTHY: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "softmax to predict": (SoftmaxToPredict, "4,8", CE),
    "constants meet": (PositionsOfOwn, "4,8", ""),
    "activated convolutions": (lambda: Convolutions(nn.ReLU()), "2,3,8,8", ""),
    "separable": (Separable, "2,3,8,8", ""),
    "packed lengths": (Packed, "4,5,4 bool:4x5", ""),
    "time first": (TimeFirst, "6,4,4", ""),
    "time first by its state": (FirstState, "6,4,4", ""),
    "one graph": (Graph, "6,8 6,6", ""),
    "weights standardised": (Standardised, "2,3,8,8", ""),
    "last of time first": (lambda: TimeFirst(last=True), "6,4,4", ""),
    "positions of time first": (TimeFirstTransformer, "6,4,8", ""),
    "lambdas": (Lambdas, "4,8", CE),
    "ensemble": (Ensemble, "4,8", CE),
    "identity": (ToTheIdentity, "4,8", ""),
    "bias before a norm": (normed_by_hand, "2,3,8,8", ""),
    "quantized": (lambda: quantize_dynamic(Two(), {nn.Linear}), "4,8", ""),
}
TOLD = {"NN501": Severity.ERROR, "NN603": Severity.WARNING, "NN901": Severity.WARNING}


def found(outcome: Any, case: tuple[Callable[[], nn.Module], str, str]) -> list[Finding]:
    make, inputs, loss = case
    torch.manual_seed(0)
    result = outcome(make(), inputs.split(), loss=loss)
    assert not [rule for rule in result.skipped if "itself failed" in rule.reason]
    findings: list[Finding] = result.findings
    return findings


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_and_little_else(outcome: Any, name: str) -> None:
    findings = found(outcome, MISTAKES[name])
    code = name[:5]
    assert code in {finding.code for finding in findings}
    assert all(f.code == code for f in findings if f.severity is not Severity.INFO)
    for finding in findings:
        assert finding.code not in TOLD or finding.severity is TOLD[finding.code]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HEALTHY)
def test_what_only_looks_like_one_is_let_alone(outcome: Any, name: str) -> None:
    findings = found(outcome, HEALTHY[name])
    told = [f"{f.code} {f.seen}" for f in findings if f.severity is not Severity.INFO]
    assert not told
    assert not {"NN805", "NN707"} & {finding.code for finding in findings}


def test_a_batch_at_dimension_1_that_nothing_speaks_for_or_against_is_an_info(
    outcome: Any,
) -> None:
    (finding,) = outcome(Forecast(), "6,4,4").findings
    assert (finding.code, finding.severity) == ("NN603", Severity.INFO)
    assert "batch_first=True" in finding.change


def test_the_same_pair_all_over_a_network_is_one_finding(outcome: Any) -> None:
    findings = outcome(squashed(), "4,8", "NN205").findings
    assert len(findings) == 1
    assert "in 5 more places" in findings[0].seen
    assert len(findings[0].related) == 6


def test_a_batch_of_one_that_fails_is_told_once(outcome: Any) -> None:
    net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8))
    (finding,) = outcome(net, "1,8", training=True).findings
    assert (finding.code, finding.severity) == ("NN413", Severity.ERROR)


def test_a_check_runs_one_backward_and_three_forwards_of_what_is_healthy(gather: Any) -> None:
    calls: list[bool] = []

    class Counted(Two):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(torch.is_grad_enabled())
            return super().forward(x) / math.sqrt(2)

    evidence = gather(Counted(), "2,8")
    calls.clear()
    run_rules(all_rules(), evidence, lambda *_: None)
    assert calls.count(True) == 1
    assert calls.count(False) == 3


def test_a_model_that_functions_close_over_is_not_probed_and_stays_as_it_is(outcome: Any) -> None:
    net = Lambdas()
    skipped = {rule.code: rule.reason for rule in outcome(net, "4,8").skipped}
    assert "no copy's would" in skipped["NN508"]
    assert all(parameter.grad is None for parameter in net.parameters())
