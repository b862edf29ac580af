"""A bench table's cells and the sentences below it."""

from __future__ import annotations

from nninspect.protocol.records import BenchResult, BenchRow, Problem, Setup, Timings
from nninspect.text import bench

STEADY = BenchRow(device="cpu", batch=2, timings=Timings((0.004,) * 20), first_call_s=0.05)
SHAKY = BenchRow(device="cuda:0", batch=2, timings=Timings((0.001, 0.002, 0.003)), peak_memory=2048)
FAILED = BenchRow(device="cuda:0", batch=4, failure=Problem(kind="DeviceError", message="no room"))


def result(*rows: BenchRow, missing: str = "") -> BenchResult:
    return BenchResult(setup=Setup(target="x"), rows=rows, missing=missing)


def test_a_row_has_a_cell_for_every_column() -> None:
    found = result(STEADY, SHAKY, FAILED)
    for row in found.rows:
        assert len(bench.cells(found, row)) == len(bench.COLUMNS)
    cells = dict(zip(bench.COLUMNS, bench.cells(found, SHAKY), strict=True))
    assert cells["speed-up"] == "~2.00×"
    assert cells["samples/s"] == "1.00 k"
    assert cells["peak memory"] == "2.00 KiB"


def test_a_speed_up_is_rough_where_either_row_of_its_pair_is_unstable() -> None:
    fast = BenchRow(device="cuda:0", batch=2, timings=Timings((0.001,) * 20))
    shaky_cpu = BenchRow(device="cpu", batch=2, timings=SHAKY.timings)
    shaky_elsewhere = BenchRow(device="cpu", batch=8, timings=SHAKY.timings)
    place = bench.COLUMNS.index("speed-up")
    assert bench.cells(result(STEADY, shaky_elsewhere, fast), fast)[place] == "4.00×"
    assert bench.cells(result(shaky_cpu, fast), fast)[place] == "~2.00×"
    assert bench.cells(result(fast), fast)[place] == "–"


def test_rows_that_cannot_be_trusted_say_so() -> None:
    assert [bench.verdict(row) for row in (STEADY, SHAKY, FAILED)] == ["", "unstable", "failed"]


def test_remarks_say_what_is_missing_what_failed_and_what_is_unstable() -> None:
    found = list(bench.remarks(result(STEADY, SHAKY, FAILED, missing="no GPU here")))
    assert found == ["no GPU here", "cuda:0, batch 4: no room", bench.UNSTABLE]
    assert list(bench.remarks(result(STEADY))) == []
