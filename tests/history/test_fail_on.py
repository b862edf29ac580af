"""What fails a build, and what does not."""

from __future__ import annotations

import pytest

from nninspect.errors import UsageError
from nninspect.history.against import against
from nninspect.history.fail_on import FailOn, failures, parse


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("untrusted", FailOn(untrusted=True)),
        ("slower:5%", FailOn(slower=0.05)),
        ("Slower:2.5 %, untrusted", FailOn(untrusted=True, slower=0.025)),
    ],
)
def test_what_is_asked_reads_back(text, asked) -> None:
    assert parse(text) == asked


@pytest.mark.parametrize("text", ["", "slower", "slower:5", "slower:-5%", "faster:5%"])
def test_anything_else_is_refused_with_what_to_write(text) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "slower:5%" in caught.value.hint


def _failures(asked, a_result, then_row, now_row) -> list[str]:
    now = a_result(now_row)
    return list(failures(parse(asked), now, against(a_result(then_row), now)))


def test_slower_beyond_what_is_allowed_fails_and_says_by_how_much(a_row, a_result) -> None:
    (said,) = _failures("slower:5%", a_result, a_row(0.010), a_row(0.012))
    assert said == "cpu, batch 8, inference is 20.0% slower; 5.0% is allowed"


def test_slower_within_what_is_allowed_passes(a_row, a_result) -> None:
    assert _failures("slower:30%", a_result, a_row(0.010), a_row(0.012)) == []


def test_a_difference_that_the_intervals_do_not_show_passes(a_row, a_result) -> None:
    assert _failures("slower:1%", a_result, a_row(0.0100), a_row(0.01015)) == []


def test_faster_passes(a_row, a_result) -> None:
    assert _failures("slower:5%", a_result, a_row(0.012), a_row(0.010)) == []


def test_where_no_row_could_be_compared_nothing_was_checked_and_it_fails(a_row, a_result) -> None:
    (said,) = _failures("slower:5%", a_result, a_row(0.010), a_row(0.020, verdict="untrusted"))
    assert said == "slower:5% was checked for no row: untrusted now: shared core"


def test_untrusted_fails_only_where_asked(a_row, a_result) -> None:
    rows = a_row(0.010), a_row(0.020, verdict="untrusted")
    (said,) = _failures("untrusted", a_result, *rows)
    assert said == "cpu, batch 8, inference is untrusted: shared core"
