"""Counts, bytes, seconds and ratios as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nninspect.text import units


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "?"), (0, "0"), (999, "999"), (175258, "175,258")],
)
def test_a_count_has_every_digit(value: int | None, text: str) -> None:
    assert units.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "?"),
        (0, "0"),
        (7, "7"),
        (0.25, "0.25"),
        (431.034, "431"),
        (999, "999"),
        (999.7, "1.00 k"),
        (1000, "1.00 k"),
        (40_127_000, "40.1 M"),
        (999_400, "999 k"),
        (999_950, "1.00 M"),
        (9_994, "9.99 k"),
        (9_996, "10.0 k"),
        (123_456_789_012, "123 G"),
        (2.5e12, "2.50 T"),
        (1e18, "1000 P"),
        (-40_127_000, "-40.1 M"),
    ],
)
def test_a_short_count_has_three_digits_and_a_unit(value: float | None, text: str) -> None:
    assert units.short_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (2**20 - 1, "1.00 MiB"),
        (1000 * 2**10, "1000 KiB"),
        (80 * 2**30, "80.0 GiB"),
        (3 * 2**40, "3.00 TiB"),
    ],
)
def test_a_size_is_in_binary_units(value: int | None, text: str) -> None:
    assert units.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "?"),
        (0.0, "0 s"),
        (0.00231, "2.31 ms"),
        (0.0009996, "1.00 ms"),
        (0.9999, "1.00 s"),
        (12.34, "12.3 s"),
        (120.0, "120 s"),
        (45e-6, "45.0 µs"),
        (2e-9, "2.00 ns"),
        (5e-11, "0.05 ns"),
    ],
)
def test_a_duration_is_in_the_unit_that_gives_it_three_digits(
    value: float | None, text: str
) -> None:
    assert units.seconds(value) == text


@given(st.floats(1e-9, 999) | st.integers(0, 10**17))
def test_no_figure_below_the_largest_unit_has_four_digits(value: float) -> None:
    for text in (units.short_count(value), units.seconds(min(float(value), 999))):
        digits = text.split()[0].replace(".", "")
        assert len(digits) <= 3 or float(text.split()[0]) < 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 modules"), (1, "1 module"), (2, "2 modules"), (1200, "1,200 modules")],
)
def test_one_of_a_thing_is_in_the_singular(value: int, text: str) -> None:
    assert units.counted(value, "module") == text


def test_shares_and_ratios() -> None:
    assert units.percent(1, 8) == "12.5%"
    assert units.percent(0, 8) == "0.0%"
    assert units.percent(0, 0) == "–"
    assert units.ratio(12.34) == "12.3×"
    assert units.ratio(0.5) == "0.50×"
    assert units.ratio(None) == "–"
