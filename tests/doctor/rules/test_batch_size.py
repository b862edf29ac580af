"""NN808: advice from a measured sweep, and silence without one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from torch import nn

from nninspect.protocol.bench import BenchResult, BenchRow, Config, Quality, Run, Verdict
from nninspect.protocol.bench_figures import Throughput
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import Setup


def row(batch: int, rate: float, verdict: Verdict = "trusted", mode: str = "inference") -> BenchRow:
    config = Config(
        target="it",
        params=1,
        inputs=(),
        batch=batch,
        dtype="float32",
        device="cpu",
        mode=mode,
        threads=1,
    )
    throughput = Throughput(items_per_s=rate, ci_low=rate, ci_high=rate, mode="latency")
    return BenchRow(config=config, throughput=throughput, quality=Quality(verdict=verdict))


def sweep(*rows: BenchRow) -> BenchResult:
    return BenchResult(
        setup=Setup(target="it"),
        run=Run(id="", time_utc="", torch="", python="", seed=0),
        machine=Machine(host="", cpu="", isa="", cores_visible=1, quota_cores=None, threads=1),
        rows=rows,
    )


RISING = sweep(row(1, 100), row(8, 600), row(64, 1000), row(256, 1050))
UNTRUSTED = sweep(row(1, 100), row(8, 600), row(64, 1000, verdict="untrusted"))
TRAINING = sweep(*(row(batch, 100 * batch, mode="train") for batch in (1, 8, 64)))


def test_the_smallest_batch_near_the_best_throughput_is_named(outcome: Any) -> None:
    (found,) = outcome(nn.Linear(8, 2), "4,8", "NN808", sweep=RISING).findings
    assert found.change == "batch_size=64"
    assert "10.0x that of batch 1 and 95% of the best, at batch 256" in found.seen


@pytest.mark.parametrize("result", [UNTRUSTED, TRAINING, sweep(row(1, 1), row(2, 2))])
def test_a_sweep_that_tells_too_little_gives_no_advice(result: BenchResult, outcome: Any) -> None:
    assert not outcome(nn.Linear(8, 2), "4,8", "NN808", sweep=result).findings


def test_without_a_sweep_the_rule_says_that_it_did_not_look(outcome: Any) -> None:
    said = outcome(nn.Linear(8, 2), "4,8", "NN808")
    assert [rule.code for rule in said.skipped] == ["NN808"]
    assert "no benchmark" in said.skipped[0].reason


def test_a_plan_with_a_sweep_crosses_the_pipe(gather: Any) -> None:
    plan = gather(nn.Linear(8, 2), "4,8", sweep=RISING).plan
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=type(plan)) == plan
