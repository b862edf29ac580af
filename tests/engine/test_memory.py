"""What a model needs of memory, against figures worked out by hand and torch's own optimizers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.failures.facts import in_order
from nninspect.engine.memory import (
    bytes_by_dtype,
    estimate,
    free_bytes,
    kept_for_backward,
    peak_bytes,
    recorded_peak,
    trainable_bytes,
)
from nninspect.engine.recorder import CallRecorder
from nninspect.protocol.memory import DtypeBytes, Fit, Memory, Optimizer, fit


@dataclass(eq=False)
class Step:
    """A recorded call."""

    output_bytes: int


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("mask", torch.zeros(3, dtype=torch.bool))


def test_bytes_are_summed_by_dtype_and_a_tied_weight_counts_once() -> None:
    assert bytes_by_dtype(Tied()) == (DtypeBytes("float32", 160, 0), DtypeBytes("bool", 0, 3))


def test_each_dtype_has_its_own_line_the_largest_first() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(64)).requires_grad_(False)
    model[0].half()
    assert bytes_by_dtype(model) == (
        DtypeBytes("float32", 2 * 64 * 4, 2 * 64 * 4),
        DtypeBytes("float16", 20 * 2, 0),
        DtypeBytes("int64", 0, 8),
    )


def test_a_model_on_meta_has_its_size_and_a_lazy_one_none() -> None:
    assert bytes_by_dtype(nn.Linear(1000, 1000, bias=False, device="meta")) == (
        DtypeBytes("float32", 4_000_000, 0),
    )
    assert sum(each.parameters for each in bytes_by_dtype(nn.LazyLinear(3))) == 0


def test_frozen_weights_get_no_gradient() -> None:
    model = nn.Linear(4, 3)
    model.bias.requires_grad_(False)
    assert trainable_bytes(model) == 48


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [
        (Optimizer.SGD, lambda p: torch.optim.SGD(p, 0.1)),
        (Optimizer.SGD_MOMENTUM, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        (Optimizer.ADAM, lambda p: torch.optim.Adam(p)),
        (Optimizer.ADAM, lambda p: torch.optim.AdamW(p)),
    ],
)
def test_optimizer_state_is_what_torchs_optimizer_holds(optimizer: Optimizer, make: object) -> None:
    model = nn.Linear(40, 30)
    torchs = make(model.parameters())  # type: ignore[operator]
    model(torch.zeros(1, 40)).sum().backward()
    torchs.step()
    held = [value for state in torchs.state.values() for value in state.values()]
    tensors = [value for value in held if isinstance(value, Tensor) and value.dim()]
    measured = sum(value.numel() * value.element_size() for value in tensors)
    memory = estimate(bytes_by_dtype(model), trainable_bytes(model), 0, 0)
    assert memory.optimizer_state(optimizer) == measured


def whole(**parts: int) -> Memory:
    fields = {"weights": 100, "trainable": 80, "buffers": 7, "inputs": 10, "peak_activations": 50}
    return Memory(batch=1, kept_activations=200, **{**fields, **parts})


def test_an_inference_needs_weights_buffers_inputs_and_its_peak() -> None:
    assert whole().inference == 100 + 7 + 10 + 50


@pytest.mark.parametrize(
    ("optimizer", "state"),
    [(Optimizer.SGD, 0), (Optimizer.SGD_MOMENTUM, 80), (Optimizer.ADAM, 160)],
)
def test_training_adds_gradients_state_and_what_is_kept(optimizer: Optimizer, state: int) -> None:
    assert whole().training(optimizer) == 100 + 7 + 10 + 200 + 80 + state


def test_training_is_not_told_where_nothing_was_measured() -> None:
    memory = estimate([DtypeBytes("float32", 100, 0)], 100, 10, 50)
    assert memory.training(Optimizer.ADAM) is None


def test_training_takes_no_less_than_the_peak_of_its_forward() -> None:
    memory = msgspec.structs.replace(whole(), peak_activations=5_000)
    state = memory.optimizer_state(Optimizer.ADAM)
    assert memory.training(Optimizer.ADAM) == memory.inference + state
    assert not any("gradient" in said for said in memory.assumed)


def test_inputs_and_activations_grow_with_the_batch_and_weights_do_not() -> None:
    by_dtype = [DtypeBytes("float32", 100, 5), DtypeBytes("int64", 0, 8)]
    memory = estimate(by_dtype, 100, 10, 51, 201, measured_batch=2, batch=6)
    assert (memory.weights, memory.buffers) == (100, 13)
    assert (memory.inputs, memory.peak_activations, memory.kept_activations) == (30, 153, 603)
    assert "activations grow with the batch, from those of batch 2" in memory.assumed


def test_at_the_measured_batch_no_growth_is_assumed() -> None:
    memory = estimate([], 0, 10, 50, 200, measured_batch=4, batch=4)
    assert memory.peak_activations == 50
    assert not any("grow" in said for said in memory.assumed)


@pytest.mark.parametrize(
    ("needed", "free", "answer"),
    [
        (90, 100, Fit.YES),
        (91, 100, Fit.TIGHT),
        (100, 100, Fit.TIGHT),
        (101, 100, Fit.NO),
        (1, None, Fit.UNKNOWN),
    ],
)
def test_whether_it_fits_leaves_a_tenth_for_what_is_not_known(
    needed: int, free: int | None, answer: Fit
) -> None:
    assert fit(needed, free) == answer


def chain(*sizes: int) -> list[tuple[int, int]]:
    return [(call, call + 1) for call in range(len(sizes) - 1)]


def test_a_chain_holds_one_output_and_the_next() -> None:
    assert peak_bytes([10, 20, 30, 5], chain(10, 20, 30, 5)) == 50


def test_a_skip_connection_is_held_until_it_is_added() -> None:
    edges = [(0, 1), (1, 2), (2, 3), (0, 3)]
    assert peak_bytes([10, 20, 20, 10], edges) == 10 + 20 + 20


def test_a_view_keeps_what_it_views_alive() -> None:
    edges = [(0, 1), (1, 3), (2, 3)]
    assert peak_bytes([100, 0, 50, 10], edges) == 160


def test_an_unused_output_is_freed_at_once_and_a_kept_one_never() -> None:
    assert peak_bytes([100, 10, 10], [(1, 2)]) == 100
    assert peak_bytes([100, 10, 10], [(1, 2)], kept=[0]) == 120


def test_nothing_made_is_nothing_held() -> None:
    assert peak_bytes([], []) == 0


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(self.wide(x).relu()).view(-1, 4) + x


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_peak_of_a_recorded_forward_is_of_what_lives_at_once(device: str) -> None:
    model = Skip().to(device)
    with torch.no_grad(), CallRecorder() as recorder:
        model(torch.zeros(3, 4, device=device))
    steps = in_order(recorder.calls, recorder.ops)
    assert recorded_peak(steps, recorder.dataflow.edges) == 2 * 3 * 8 * 4  # wide and its relu


def test_an_output_that_is_made_early_lives_to_the_end() -> None:
    steps = [Step(100), Step(10), Step(20)]
    assert recorded_peak(steps, [(None, steps[0]), (steps[1], steps[2])]) == 130


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_what_is_kept_for_the_backward_is_measured_without_weights_and_inputs(device: str) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 2), nn.Tanh()).to(device)
    x = torch.zeros(3, 4, device=device)
    kept = kept_for_backward(model, lambda: model(x), [x])
    assert kept == 3 * 8 * 4 + 3 * 2 * 4


def test_a_tensor_that_is_kept_twice_counts_once() -> None:
    x = torch.zeros(3, 4)
    w = nn.Linear(4, 4, bias=False)
    assert kept_for_backward(w, lambda: (y := w(x)) * y + y.exp().view(12).view(3, 4), [x]) == 96


def test_frozen_weights_keep_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid()).requires_grad_(False)
    assert kept_for_backward(model, lambda: model(torch.zeros(3, 4))) == 0


def test_it_is_measured_also_where_gradients_are_off() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Sigmoid())
    x = torch.zeros(3, 4)
    with torch.no_grad():
        assert kept_for_backward(model, lambda: model(x), [x]) == 3 * 8 * 4
    assert model[0].weight.grad is None


def test_the_free_memory_of_this_machine_is_told_and_that_of_meta_is_not() -> None:
    free = free_bytes(torch.device("cpu"))
    assert free is None or free > 0
    assert free_bytes(torch.device("meta")) is None


def test_the_free_memory_is_that_of_the_control_group_where_that_is_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nninspect.engine.memory.memory_left", lambda: 2**20)
    assert free_bytes(torch.device("cpu")) == 2**20
    monkeypatch.setattr("nninspect.engine.memory.memory_left", lambda: 2**60)
    assert 2**20 < (free_bytes(torch.device("cpu")) or 0) < 2**60


def test_the_free_memory_of_an_accelerator_has_what_torch_keeps_for_the_next_tensor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The driver counts it as taken."""
    played = {"mem_get_info": (100, 999), "memory_reserved": 70, "memory_allocated": 30}
    for name, value in played.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert free_bytes(torch.device("cuda:1")) == 140
    assert free_bytes(torch.device("mps")) is None
