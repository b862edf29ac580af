"""The records: what they derive from what they hold."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect import errors
from nninspect.protocol.records import (
    BenchResult,
    BenchRow,
    InputSpec,
    Problem,
    Setup,
    Timings,
    quantile,
)


def every_error(root: type[errors.NninspectError]) -> list[type[errors.NninspectError]]:
    return [root, *(found for child in root.__subclasses__() for found in every_error(child))]


@pytest.mark.parametrize("kind", every_error(errors.NninspectError))
def test_an_error_crosses_the_pipe_unchanged(kind: type[errors.NninspectError]) -> None:
    error = kind("what", "do", where="a.b", details="trace", choices=("x", "y"))
    back = Problem.of(error).error()
    assert type(back) is kind
    assert (back.args, vars(back)) == (error.args, vars(error))


def test_an_unknown_kind_of_error_is_still_an_error() -> None:
    assert type(Problem(kind="SystemExit", message="m").error()) is errors.NninspectError


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    expected = statistics.quantiles(values, n=20, method="inclusive")
    found = [quantile(values, n / 20) for n in range(1, 20)]
    assert found == pytest.approx(expected)


def test_one_slow_iteration_does_not_move_the_median() -> None:
    assert Timings((1.0, 1.0, 1.0, 100.0)).p50 == 1.0


def test_a_wide_spread_is_unstable_and_a_narrow_one_is_not() -> None:
    assert Timings((1.0, 1.2, 1.4, 1.6)).is_unstable
    assert not Timings((1.0, 1.01, 1.02, 1.03)).is_unstable


def test_another_batch_changes_one_dimension_and_a_scalar_not_at_all() -> None:
    assert InputSpec((5, 1, 3), batch_dim=1).with_batch(8).shape == (5, 8, 3)
    assert InputSpec(()).with_batch(8).shape == ()


def test_a_speed_up_compares_p50s_at_the_same_batch() -> None:
    cpu = BenchRow(device="cpu", batch=4, timings=Timings((3.0,)))
    gpu = BenchRow(device="cuda:0", batch=4, timings=Timings((0.5,)))
    alone = BenchRow(device="cuda:0", batch=8, timings=Timings((0.5,)))
    result = BenchResult(setup=Setup(target="t"), rows=(cpu, gpu, alone))
    assert [result.speedup(row) for row in result.rows] == [None, 6.0, None]
    assert gpu.throughput == 8.0
