"""Statistics of tensors: by hand where all values are looked at, and what is said where not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nninspect.engine.weights import LAZY, NO_VALUES, describe_weights, statistics
from nninspect.errors import BadInput
from nninspect.protocol.weights import BINS, MOST_VALUES, TensorStats


def quiet(stage: str, fraction: float | None) -> None:
    """Nobody listens."""


def described(model: nn.Module, path: str = "", below: bool = True) -> dict[str, TensorStats]:
    return {each.path: each for each in describe_weights(model, path, below, quiet)}


def test_small_tensors_are_looked_at_whole() -> None:
    found = statistics(torch.tensor([[-1.0, 0.0], [0.0, 3.0]]))
    assert (found.low, found.high, found.mean, found.zeros) == (-1.0, 3.0, 0.5, 2)
    assert found.std == pytest.approx(math.sqrt(2.25))
    assert found.looked_at == 4


def test_the_histogram_counts_every_finite_value_between_the_extremes() -> None:
    found = statistics(torch.tensor([0.0, 0.0, 0.0, 1.0, math.nan]))
    assert len(found.histogram) == BINS
    assert (found.histogram[0], found.histogram[-1], sum(found.histogram)) == (3, 1, 4)


def test_nan_and_inf_are_counted_and_kept_out_of_the_figures() -> None:
    found = statistics(torch.tensor([1.0, math.nan, math.inf, -math.inf, 3.0]))
    assert (found.nans, found.infs) == (1, 2)
    assert (found.low, found.high, found.mean) == (1.0, 3.0, 2.0)


def test_a_tensor_of_nothing_but_nan_has_no_figures() -> None:
    found = statistics(torch.full((3,), math.nan))
    assert (found.low, found.mean, found.std, found.histogram) == (None, None, None, ())
    assert found.nans == 3


def test_one_nan_and_the_extremes_of_a_sampled_tensor_are_never_missed() -> None:
    tensor = torch.zeros(MOST_VALUES + 5)
    tensor[7], tensor[8], tensor[9] = math.nan, -5.0, 9.0
    found = statistics(tensor)
    assert (found.looked_at, found.nans, found.low, found.high) == (MOST_VALUES, 1, -5.0, 9.0)


def test_a_sample_is_not_taken_along_the_columns_of_a_matrix() -> None:
    matrix = torch.zeros(64, 64)
    matrix[:, 0] = 1.0
    found = statistics(matrix, most=64)
    assert found.mean is not None
    assert found.mean < 0.5


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.int8, torch.bool]
)
def test_every_kind_of_number_is_described(dtype: torch.dtype) -> None:
    found = statistics(torch.tensor([0.0, 1.0]).to(dtype))
    assert (found.low, found.high, found.zeros) == (0.0, 1.0, 1)


def test_complex_values_are_described_by_their_magnitude() -> None:
    assert statistics(torch.tensor([3 + 4j, 0j])).high == 5.0


def test_an_empty_tensor_is_described_as_nothing() -> None:
    assert statistics(torch.zeros(0)).low is None


def test_own_tensors_are_those_of_the_module_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert set(described(model, "0", below=False)) == {"0.weight", "0.bias"}
    assert described(model, "", below=False) == {}
    assert set(described(model)) >= {"0.weight", "1.weight", "1.running_mean"}
    assert described(model)["1.running_mean"].is_buffer


def test_a_tied_tensor_stands_once_with_all_its_paths() -> None:
    model = nn.ModuleList([nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)])
    model[1].weight = model[0].weight
    found = described(model)
    assert list(found) == ["0.weight"]
    assert found["0.weight"].also == ("1.weight",)


def test_frozen_tensors_are_not_trainable() -> None:
    model = nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    assert not described(model)["weight"].is_trainable
    assert described(model)["bias"].is_trainable


def test_on_meta_it_says_that_there_are_no_values() -> None:
    found = described(nn.Linear(2, 3, device="meta"))["weight"]
    assert (found.values, found.unknown, found.shape) == (None, NO_VALUES, (3, 2))


def test_a_lazy_parameter_says_that_it_has_no_shape_yet() -> None:
    found = described(nn.LazyLinear(3))["weight"]
    assert (found.values, found.unknown, found.count) == (None, LAZY, 0)


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match=r"no module 'a\.b'"):
        described(nn.Linear(1, 1), "a.b")


def test_describing_draws_nothing_from_the_users_random_state() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    statistics(torch.zeros(100), most=10)
    assert torch.equal(torch.get_rng_state(), before)
