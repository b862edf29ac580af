"""When two outputs count as the same."""

from __future__ import annotations

import math

import pytest
import torch

from nninspect.bench.agreement import agreement, kept_output, limit, products_summed
from nninspect.protocol.bench import Agreement
from nninspect.protocol.bench_plan import Key

REFERENCE = torch.tensor([[1.0, -4.0], [2.0, 3.0]])


def agreed(ours: object, theirs: object = REFERENCE, limit: float = 1e-5) -> Agreement:
    return agreement(kept_output(ours), kept_output(theirs), Key("cpu", 2), limit)


def test_equal_outputs_agree_with_no_error() -> None:
    found = agreed(REFERENCE.clone())
    assert (found.max_error, found.argmax_agreement, found.agrees) == (0, 1, True)
    assert found.cosine_distance == pytest.approx(0, abs=1e-12)


def test_the_error_is_the_largest_over_the_largest_output() -> None:
    ours = REFERENCE.clone()
    ours[1, 0] += 0.5
    ours[0, 0] -= 0.25
    found = agreed(ours)
    assert found.max_error == pytest.approx(0.5 / 4)
    assert not found.agrees
    assert agreed(ours, limit=0.125).agrees


def test_a_small_output_with_a_large_relative_error_agrees() -> None:
    theirs = torch.tensor([[1000.0, 1e-6]])
    assert agreed(torch.tensor([[1000.0, 4e-4]]), theirs).agrees


def test_the_cosine_distance_and_the_argmax_by_hand() -> None:
    found = agreed(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    assert found.cosine_distance == pytest.approx(0.5)
    assert found.argmax_agreement == 0.5


def test_outputs_of_other_shapes_or_counts_do_not_agree() -> None:
    for ours in (REFERENCE[:1], (REFERENCE, REFERENCE), ()):
        found = agreed(ours)
        assert (found.max_error, found.agrees) == (None, False)


def test_every_tensor_of_an_output_counts() -> None:
    theirs = {"logits": REFERENCE, "hidden": [torch.ones(3)]}
    assert agreed({"logits": REFERENCE, "hidden": [torch.ones(3)]}, theirs).agrees
    assert not agreed({"logits": REFERENCE, "hidden": [torch.zeros(3)]}, theirs).agrees


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_must_be_so_in_both(odd: float) -> None:
    theirs = REFERENCE.clone()
    theirs[0, 0] = odd
    assert agreed(theirs.clone(), theirs).agrees
    assert agreed(REFERENCE, theirs).max_error is None
    assert agreed(theirs, REFERENCE).max_error is None
    assert agreed(theirs, torch.where(theirs == theirs, -theirs, 1.0)).max_error is None


def test_zeros_agree_with_nothing_but_zeros() -> None:
    zeros = torch.zeros(2, 2)
    assert agreed(zeros, zeros).agrees
    assert agreed(REFERENCE, zeros).max_error is None


def test_integers_and_complex_numbers_and_nothing_are_compared_too() -> None:
    assert agreed(torch.tensor([1, 2]), torch.tensor([1, 2])).agrees
    assert not agreed(torch.tensor([1, 3]), torch.tensor([1, 2])).agrees
    assert not agreed(torch.tensor([1 + 2j]), torch.tensor([1 - 2j])).agrees
    assert agreed(torch.empty(0, 3), torch.empty(0, 3)).agrees
    assert agreed(None, None).agrees


def test_an_output_that_is_kept_is_a_copy() -> None:
    output = torch.ones(2)
    (kept,) = kept_output(output)
    output.zero_()
    assert kept.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("dtypes", "tf32", "expected"),
    [
        (("float32", "float32"), False, 1e-5),
        (("float32", "float32"), True, 5e-3),
        (("float32", "float16"), False, 5e-3),
        (("bfloat16", "float32"), True, 2e-2),
    ],
)
def test_the_limit_is_that_of_the_coarser_dtype(
    dtypes: tuple[str, str], tf32: bool, expected: float
) -> None:
    assert limit(dtypes, tf32=tf32) == expected


def test_the_limit_of_float32_grows_with_what_is_summed_and_others_do_not() -> None:
    assert limit(["float32"], summed=50 * 4608) == pytest.approx(1e-5, rel=0.05)
    assert limit(["float32"], summed=500 * 16384) == pytest.approx(2**-24 / 3 * 8_192_000**0.5)
    assert limit(["bfloat16"], summed=500 * 16384) == limit(["bfloat16"])
    assert limit(["float32"], tf32=True, summed=500 * 16384) == limit(["float32"], tf32=True)


def test_what_is_summed_is_an_outputs_share_of_each_weight() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(10, 2))
    assert products_summed(model) == 3 * 3 * 3 + 10


def test_summing_in_another_order_stays_within_the_limit() -> None:
    torch.manual_seed(0)
    layers = [torch.nn.Linear(512, 512) for _ in range(12)]
    model = torch.nn.Sequential(*layers)
    x = torch.randn(16, 512)
    order = torch.randperm(512)
    with torch.no_grad():
        plain = shuffled = x
        for layer in layers:
            plain = layer(plain)
            shuffled = shuffled[:, order] @ layer.weight[:, order].T + layer.bias
    found = agreed(shuffled, plain, limit(["float32"], summed=products_summed(model)))
    assert found.max_error
    assert found.agrees
