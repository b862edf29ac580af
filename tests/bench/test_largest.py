"""The largest batch that fits, on a memory that is played."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect.bench.largest import CLOSE, MOST, MOST_ATTEMPTS, Found, Tried, largest

GIB = 2**30


def held(base: int, each: float, step: int = 1, waste: float = 0.0) -> Callable[[int], int]:
    """Bytes at a batch: allocated in steps, of which a share is lost."""
    return lambda batch: math.ceil((base + each * batch) * (1 + waste) / step) * step


def found(peak: Callable[[int], int], limit: int, *, is_told: bool = True) -> Found:
    return largest(
        lambda batch: Tried(peak(batch) <= limit, peak(batch) if peak(batch) <= limit else None),
        limit if is_told else None,
    )


@given(
    batch=st.integers(1, 500_000),
    share=st.floats(0.0, 0.95),
    limit=st.sampled_from([GIB, 16 * GIB, 80 * GIB]),
)
def test_it_is_found_within_two_percent_and_twelve_tries(
    batch: int, share: float, limit: int
) -> None:
    base = int(share * limit)
    result = found(held(base, (limit - base) / (batch + 0.5)), limit)
    assert result.attempts <= MOST_ATTEMPTS
    assert result.batch <= batch
    assert batch - result.batch <= max(1, CLOSE * batch)
    assert result.is_close
    assert result.too_large is not None
    assert result.too_large > batch


@given(
    batch=st.integers(1, 100_000),
    step=st.sampled_from([512, 2**21, 20 * 2**20]),
    waste=st.floats(0.0, 0.1),
    is_told=st.booleans(),
)
def test_what_it_says_holds_for_any_memory_and_where_it_is_not_close_that_is_known(
    batch: int, step: int, waste: float, is_told: bool
) -> None:
    limit = 8 * GIB
    peak = held(GIB, 7 * GIB / batch, step, waste)
    result = found(peak, limit, is_told=is_told)
    assert result.attempts <= MOST_ATTEMPTS
    assert result.batch == 0 or peak(result.batch) <= limit
    assert result.too_large is None or peak(result.too_large) > limit
    if result.is_close and result.batch and result.too_large:
        assert result.too_large - result.batch <= max(1, CLOSE * result.too_large)


def test_where_nothing_fits_one_try_says_so() -> None:
    assert found(held(2 * GIB, 1), GIB) == Found(0, 1, None, 1)


def test_where_the_batch_costs_nothing_the_most_that_is_tried_is_told_as_fitting() -> None:
    result = found(lambda batch: 1000, GIB)
    assert (result.batch, result.too_large, result.is_close) == (MOST, None, True)


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 8, 9])
def test_small_ones_are_found_to_the_sample(batch: int) -> None:
    result = found(held(0, GIB / (batch + 0.5)), GIB)
    assert (result.batch, result.too_large) == (batch, batch + 1)
