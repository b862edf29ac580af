"""Cells that are too wide for their table."""

from __future__ import annotations

import pytest

from nninspect.text.elided import LEAST, elided, fitted

LIST = "input_ids=(2, 8), mask=(2, 8), positions=(8,), labels=(2,)"


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (len(LIST), LIST),
        (len(LIST) - 1, "input_ids=(2, 8), mask=(2, 8), …, labels=(2,)"),
        (40, "input_ids=(2, 8), …, labels=(2,)"),
        (9, "inpu…(2,)"),
    ],
)
def test_the_middle_of_a_list_of_shapes_goes_first(width: int, text: str) -> None:
    assert elided(LIST, width) == text
    assert len(text) <= width


def test_one_shape_is_not_cut_at_its_commas() -> None:
    assert elided("(1, 2, 3, 4, 5, 6)", 9) == "(1, …, 6)"


def test_only_the_columns_that_may_are_narrowed_and_only_as_far_as_needed() -> None:
    rows = [("name" * 5, LIST, LIST)]
    (fits,) = fitted(("a", "b", "c"), rows, (1, 2), 20 + 2 * len(LIST) + 4)
    assert fits == rows[0]
    (narrow,) = fitted(("a", "b", "c"), rows, (1, 2), 110)
    assert narrow[0] == "name" * 5
    assert sum(map(len, narrow)) + 4 <= 110
    assert narrow[1].endswith("…, labels=(2,)")


def test_no_cell_is_made_so_narrow_that_nothing_can_be_read() -> None:
    (row,) = fitted(("a", "b"), [("x" * 200, LIST)], (1,), 50)
    assert row[0] == "x" * 200
    assert LEAST - 8 <= len(row[1]) <= LEAST


def test_a_table_without_rows_has_its_titles_fit() -> None:
    assert fitted(("a", "b"), [], (1,), 1) == []
