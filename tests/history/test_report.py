"""One run against another, in words."""

from __future__ import annotations

from nninspect.history.against import against
from nninspect.history.report import lines


def _lines(a_result, then, now) -> list[str]:
    return list(lines(against(a_result(then), a_result(now))))


def test_faster_and_slower_are_said_with_both_figures(a_row, a_result) -> None:
    (faster,) = _lines(a_result, a_row(0.020), a_row(0.010))
    assert faster.startswith("cpu, batch 8: 20.0 ms then, 10.00 ms now, 2.0")
    assert faster.endswith("faster")
    (slower,) = _lines(a_result, a_row(0.010), a_row(0.020))
    assert slower.endswith("slower")


def test_no_difference_that_shows_is_said(a_row, a_result) -> None:
    (line,) = _lines(a_result, a_row(0.010), a_row(0.010))
    assert line.endswith("no difference that shows")


def test_where_there_is_no_ratio_both_figures_stand_with_the_reason(a_row, a_result) -> None:
    (line,) = _lines(a_result, a_row(0.010), a_row(0.020, threads=8))
    assert line == (
        "cpu, batch 8: 10.00 ms then, 20.0 ms now; no ratio: other CPU threads: 2 then, 8 now"
    )
