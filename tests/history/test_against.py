"""Two runs compare where they did the same work on the same hardware, and only there."""

from __future__ import annotations

import msgspec
import pytest

from nninspect.history.against import against
from nninspect.protocol.bench_plan import BenchError
from nninspect.protocol.machine import Gpu
from nninspect.protocol.records import InputSpec


def test_the_ratio_is_then_over_now_in_the_widest_interval_of_both(a_row, a_result) -> None:
    then, now = a_result(a_row(0.010)), a_result(a_row(0.005))
    (row,) = against(then, now).rows
    assert row.compare.ratio == pytest.approx(2.0)
    assert row.compare.ci_low == pytest.approx(0.0099 / 0.00505)
    assert row.compare.ci_high == pytest.approx(0.0101 / 0.00495)
    assert row.compare.winner == "this"


def test_a_difference_within_the_intervals_has_no_winner(a_row, a_result) -> None:
    (row,) = against(a_result(a_row(0.0100)), a_result(a_row(0.0101))).rows
    assert row.compare.ratio is not None
    assert row.compare.winner == ""


def test_the_same_run_twice_differs_in_nothing(a_result) -> None:
    same = against(a_result(), a_result())
    assert same.differences == ()
    assert [row.compare.ratio for row in same.rows] == [1.0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"inputs": (InputSpec((8, 5)),)}, "other inputs"),
        ({"inputs": (InputSpec((8, 4), "int64"),)}, "other inputs"),
        ({"dtype": "bfloat16"}, "other dtype"),
        ({"autocast": "bfloat16"}, "other autocast"),
        ({"layout": "channels_last"}, "other memory layout"),
        ({"engine": "inductor"}, "other engine"),
        ({"threads": 8}, "other CPU threads: 2 then, 8 now"),
    ],
)
def test_other_work_has_no_ratio(a_row, a_result, changed, said) -> None:
    (row,) = against(a_result(a_row()), a_result(a_row(**changed))).rows
    assert row.compare.ratio is None
    assert row.compare.withheld.startswith(said)


@pytest.mark.parametrize(
    "changed", [{"cpu": "Xeon"}, {"isa": "AVX2"}, {"cores_visible": 4}, {"quota_cores": 1.5}]
)
def test_other_hardware_has_no_ratio_and_is_named(a_result, changed) -> None:
    compared = against(a_result(), a_result(machine=changed))
    assert compared.rows[0].compare.withheld.startswith("another machine")
    assert len(compared.differences) == 1


def test_another_host_of_the_same_kind_is_named_and_compares(a_result) -> None:
    compared = against(a_result(), a_result(machine={"host": "other"}))
    assert [each.what for each in compared.differences] == ["host"]
    assert compared.rows[0].compare.ratio == 1.0


def test_another_kind_of_gpu_withholds_its_own_rows_only(a_row, a_result) -> None:
    rows = (a_row(), a_row(device="cuda:0"))
    then = a_result(*rows, machine={"gpus": (Gpu(device="cuda:0", name="H100"),)})
    now = a_result(*rows, machine={"gpus": (Gpu(device="cuda:0", name="A10"),)})
    cpu, gpu = against(then, now).rows
    assert cpu.compare.ratio == 1.0
    assert gpu.compare.withheld == "another cuda:0: H100 then, A10 now"


def test_a_changed_model_is_named_and_compares(a_row, a_result) -> None:
    compared = against(a_result(a_row()), a_result(a_row(params=1200)))
    (difference,) = compared.differences
    assert (difference.what, difference.then, difference.now) == ("parameters", "100", "1,200")
    assert compared.rows[0].compare.ratio == 1.0


def test_an_untrusted_row_is_never_half_of_a_ratio(a_row, a_result) -> None:
    (row,) = against(a_result(a_row(verdict="untrusted")), a_result(a_row())).rows
    assert row.compare.ratio is None
    assert row.compare.withheld == "untrusted then: shared core"


def test_a_row_of_one_run_alone_stands_without_a_ratio(a_row, a_result) -> None:
    compared = against(a_result(a_row(), a_row(batch=64)), a_result(a_row()))
    assert [row.key.batch for row in compared.rows] == [8, 64]
    assert compared.rows[1].compare.withheld == "not measured now"


def test_a_row_that_failed_says_why(a_row, a_result) -> None:
    error = BenchError(kind="OutOfMemory", message="out of memory", stage="rounds")
    broken = msgspec.structs.replace(a_row(), latency=None, error=error)
    (row,) = against(a_result(a_row()), a_result(broken)).rows
    assert row.compare.withheld == "failed now: out of memory"
