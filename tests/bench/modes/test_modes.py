"""What each mode does with a model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nninspect.bench.modes.mode import NotHere, Prepared, Subject
from nninspect.bench.modes.registry import mode_named

CPU = torch.device("cpu")


def prepared(name: str, model: nn.Module, device: torch.device = CPU) -> Prepared:
    return mode_named(name).prepare(Subject(model, ((torch.ones(2, 4),), {}), device, threads=2))


def iterate(mode: Prepared) -> None:
    with mode.around():
        for step in mode.steps:
            step.run()


def test_an_inference_keeps_no_graph() -> None:
    mode = prepared("inference", nn.Linear(4, 3))
    assert mode.output is not None
    with mode.around():
        output = mode.output()
    assert isinstance(output, torch.Tensor)
    assert output.is_inference()


def test_a_training_step_changes_every_weight_and_leaves_no_gradient() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    before = [each.detach().clone() for each in model.parameters()]
    iterate(prepared("train", model))
    after = list(model.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(each.grad is None for each in after)


def test_a_complex_output_is_trained_by_its_magnitude() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).to(torch.complex64)
    before = [each.detach().clone() for each in model.parameters()]
    x = torch.ones(2, 4, dtype=torch.complex64)
    iterate(mode_named("train").prepare(Subject(model, ((x,), {}), CPU, threads=2)))
    after = list(model.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_training_step_has_its_three_parts() -> None:
    steps = prepared("train", nn.Linear(4, 3)).steps
    assert [step.name for step in steps] == ["forward", "backward", "optimizer"]


def test_a_training_step_is_that_of_the_train_mode() -> None:
    model = nn.BatchNorm1d(4).eval()
    iterate(prepared("train", model))
    assert model.num_batches_tracked == 1


def test_without_a_weight_to_learn_there_is_no_training() -> None:
    model = nn.Linear(4, 3).requires_grad_(False)
    with pytest.raises(NotHere, match="nothing to train"):
        prepared("train", model)


def test_without_an_output_to_learn_from_there_is_no_training() -> None:
    class Detached(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input).detach()

    with pytest.raises(NotHere, match="nothing to train by"):
        iterate(prepared("train", Detached(4, 3)))


def test_threads_are_set_for_a_slot_and_as_before_after_it() -> None:
    before = torch.get_num_threads()
    mode = prepared("threads=1", nn.Linear(4, 3))
    with mode.around():
        assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == before
    assert mode.config == {"threads": 1}


def test_threads_of_an_accelerator_are_none_of_the_cpus() -> None:
    with pytest.raises(NotHere, match="of the CPU"):
        prepared("threads=1", nn.Linear(4, 3), torch.device("cuda:0"))
