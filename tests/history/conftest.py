"""Results to save and compare, made by hand."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from nninspect.protocol.bench import BenchResult, BenchRow, Config, Quality, Run
from nninspect.protocol.bench_figures import Latency, Round
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import InputSpec, Setup

MakeRow = Callable[..., BenchRow]
MakeResult = Callable[..., BenchResult]


@pytest.fixture
def a_row() -> MakeRow:
    """Makes a row: `median` with an interval of 1 % either way, whatever else is asked."""

    def make(median: float = 0.010, verdict: str = "trusted", **config: object) -> BenchRow:
        base = Config(
            target="net.py:Net",
            params=100,
            inputs=(InputSpec((8, 4)),),
            batch=8,
            dtype="float32",
            device="cpu",
            mode="inference",
            threads=2,
        )
        latency = Latency(
            median_s=median,
            ci_low_s=0.99 * median,
            ci_high_s=1.01 * median,
            ci_method="all rounds",
            floor_s=median,
            p90_s=None,
            p99_s=None,
            n_calls=60,
            calls_per_sample=1,
            warmup_calls=3,
            rounds=(Round(number=0, median_s=median, n=60, t_start_s=0.0, canary_ratio=1.0),),
        )
        return BenchRow(
            config=msgspec.structs.replace(base, **config),
            latency=latency,
            quality=Quality(
                verdict=verdict,  # type: ignore[arg-type]
                reasons=() if verdict == "trusted" else ("shared core",),
            ),
        )

    return make


@pytest.fixture
def a_result(a_row: MakeRow) -> MakeResult:
    """Makes a result of rows on one machine; `machine` and `run` replace their fields."""

    def make(
        *rows: BenchRow,
        target: str = "net.py:Net",
        run: dict[str, object] | None = None,
        machine: dict[str, object] | None = None,
    ) -> BenchResult:
        base_run = Run(
            id="a1", time_utc="2026-01-02T03:04:05Z", torch="2.13.0", python="3.11.7", seed=0
        )
        base_machine = Machine(
            host="box", cpu="EPYC", isa="AVX512", cores_visible=2, quota_cores=None, threads=2
        )
        return BenchResult(
            setup=Setup(target=target),
            run=msgspec.structs.replace(base_run, **(run or {})),
            machine=msgspec.structs.replace(base_machine, **(machine or {})),
            rows=rows or (a_row(),),
        )

    return make


def only_key() -> Key:
    return Key("cpu", 8, "inference")
