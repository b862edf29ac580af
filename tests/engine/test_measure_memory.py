"""The memory of a look: what is measured, what is left out, and what stays as it was."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nninspect.protocol.memory import DtypeBytes, Optimizer
from nninspect.protocol.records import InputSpec


def test_the_parts_of_a_small_network_are_those_worked_out_by_hand(look: Any) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    memory = look(model, InputSpec((2, 8))).inspection.memory
    weights = 4 * (8 * 16 + 16 + 16 * 4 + 4)
    assert memory.by_dtype == (DtypeBytes("float32", weights, 0),)
    assert memory.inputs == 4 * 2 * 8
    assert memory.peak_activations == 4 * 2 * (16 + 16)  # a layer's input and output
    assert memory.kept_activations == 4 * 2 * 16  # what ReLU gives, which the last layer needs too
    kept = weights + memory.inputs + memory.kept_activations
    assert memory.training(Optimizer.ADAM) == kept + 3 * weights


def test_a_batch_is_measured_at_its_own_size(look: Any) -> None:
    model = nn.Linear(8, 4)
    assert look(model, InputSpec((5, 8))).inspection.memory.batch == 5


def test_a_network_that_can_not_train_on_its_inputs_has_no_training_figure(look: Any) -> None:
    class EvalOnly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                raise ValueError("labels, please")
            return self.fc(x)  # type: ignore[no-any-return]

    memory = look(EvalOnly(), InputSpec((1, 2))).inspection.memory
    assert memory.kept_activations is None
    assert memory.training(Optimizer.SGD) is None
    assert memory.inference > 0


def test_a_forward_that_fails_has_no_memory_figure(look: Any) -> None:
    assert look(nn.Linear(2, 2), InputSpec((1, 3))).inspection.memory is None


def test_measuring_leaves_modes_buffers_and_gradients_as_they_were(look: Any) -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert look(model, InputSpec((2, 1, 8))).inspection.memory.kept_activations
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
