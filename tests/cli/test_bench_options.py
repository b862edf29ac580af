"""What the options of `nninspect bench` plan."""

from __future__ import annotations

import pytest

from nninspect.cli import bench
from nninspect.protocol.bench_plan import BenchPlan


@pytest.mark.parametrize(
    ("options", "planned"),
    [
        ("", {}),
        ("--devices cpu,cuda --batch 1,8", {"devices": ("cpu", "cuda"), "batches": (1, 8)}),
        ("--modes inference,train --quick", {"modes": ("inference", "train"), "quick": True}),
        ("--max-time 5 --crossover", {"max_time_s": 5.0, "crossover": True}),
        ("--largest-batch", {"largest_batch": True}),
        ("--memory-limit 1GiB", {"largest_batch": True, "memory_limit_bytes": 2**30}),
    ],
)
def test_each_option_is_in_the_plan(options: str, planned: dict[str, object]) -> None:
    plan = bench.plan_of(bench.parser().parse_args(["net.py:Net", *options.split()]))
    assert plan == BenchPlan(**planned, argv=plan.argv)
