"""What a benchmark answers: which is faster, from which batch on, and how sure it is."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from nninspect.protocol.bench import BenchResult, BenchRow, Compare, Config, Quality, Run, Verdict
from nninspect.protocol.bench_figures import Latency
from nninspect.protocol.bench_plan import BenchError, Key
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import Setup
from nninspect.protocol.sweep import Crossover, LargestBatch, Series
from nninspect.text import answer, sweep

CPU, GPU = Series("cpu"), Series("cuda:0")
AT_64 = "cuda:0 is 12.3× (11.9–12.8) as fast as cpu at batch 64"


def row(device: str, batch: int, verdict: Verdict = "trusted", **given: Any) -> BenchRow:
    config = Config(
        target="x",
        params=1,
        inputs=(),
        batch=batch,
        dtype="float32",
        device=device,
        mode="inference",
        threads=2,
    )
    reasons = () if verdict == "trusted" else ("trend", "preempted")
    return BenchRow(config=config, quality=Quality(verdict=verdict, reasons=reasons), **given)


def faster(batch: int, ratio: float, low: float, high: float, **given: Any) -> BenchRow:
    found = Compare(against=Key("cpu", batch), ratio=ratio, ci_low=low, ci_high=high, n_pairs=10)
    return row("cuda:0", batch, compare=found, **given)


def result(*rows: BenchRow, **given: Any) -> BenchResult:
    return BenchResult(
        setup=Setup(target="x"),
        run=Run(id="", time_utc="", torch="", python="", seed=0),
        machine=Machine(host="", cpu="", isa="", cores_visible=2, quota_cores=None, threads=2),
        rows=rows,
        **given,
    )


def said(*rows: BenchRow, **given: Any) -> list[str]:
    return list(answer.answers(result(*rows, **given)))


def test_of_one_batch_the_faster_one_is_named_with_its_ratio_and_the_verdict() -> None:
    assert said(row("cpu", 64), faster(64, 12.34, 11.9, 12.8)) == [f"{AT_64} (trusted)"]
    assert said(row("cpu", 1), faster(1, 0.25, 0.2, 0.4)) == [
        "cpu is 4× (2–5) as fast as cuda:0 at batch 1 (trusted)"
    ]


def test_two_modes_of_a_device_are_told_by_their_modes() -> None:
    found = Compare(against=Key("cpu", 8), ratio=0.5, ci_low=0.49, ci_high=0.51, n_pairs=10)
    single = row("cpu", 8, compare=found)
    single = replace(single, config=replace(single.config, mode="threads=1"))
    assert said(row("cpu", 8), single) == [
        "on cpu inference is 2.00× (1.96–2.04) as fast as threads=1 at batch 8 (trusted)"
    ]


def test_neither_is_faster_where_the_interval_has_1_in_it() -> None:
    assert said(row("cpu", 8), faster(8, 1.02, 0.97, 1.06)) == [
        "neither cuda:0 nor cpu is shown to be faster at batch 8: 1.02× (0.97–1.06) (trusted)"
    ]


def test_of_several_batches_it_is_where_it_turns_and_both_ends() -> None:
    crossing = Crossover(series=GPU, over=CPU, batch=64, slower_at=1, checked=(1, 64))
    moved = Crossover(
        series=GPU, over=CPU, batch=64, slower_at=1, checked=(1, 64), with_transfers=True
    )
    assert said(
        row("cpu", 1),
        row("cpu", 64, "noisy"),
        faster(1, 0.25, 0.2, 0.4),
        faster(64, 12.34, 11.9, 12.8),
        crossovers=(crossing, moved),
    ) == [
        f"{sweep.crossover(crossing)}, with transfers as well; "
        f"cpu is 4× (2–5) as fast as cuda:0 at batch 1; {AT_64} (noisy at batch 64: preempted)"
    ]


def test_where_it_turns_elsewhere_with_transfers_that_is_said_apart() -> None:
    crossing, moved = (
        Crossover(series=GPU, over=CPU, batch=n, slower_at=1, checked=(1, 64), with_transfers=sent)
        for n, sent in ((8, False), (64, True))
    )
    rows = (row("cpu", 1), row("cpu", 64), faster(1, 0.25, 0.2, 0.4), faster(64, 12.34, 11.9, 12.8))
    first, second = said(*rows, crossovers=(crossing, moved))
    assert "as well" not in first
    assert second == sweep.crossover(moved)


def test_untrusted_rows_have_no_winner_and_no_ratio() -> None:
    shaky = Compare(against=Key("cpu", 64), ratio=12.34, ci_low=11.9, ci_high=12.8, untrusted=True)
    assert said(row("cpu", 64, "untrusted"), row("cuda:0", 64, compare=shaky)) == [
        "which of cuda:0 and cpu is faster cannot be told (untrusted: preempted)"
    ]
    assert said(
        row("cpu", 64),
        row("cpu", 128, "untrusted"),
        faster(64, 12.34, 11.9, 12.8),
        faster(128, 9, 8, 10),
    ) == [f"{AT_64} (untrusted at batch 128: preempted)"]


def test_a_speed_up_that_is_withheld_says_why() -> None:
    withheld = Compare(against=Key("cpu", 64), withheld="the outputs do not agree")
    assert said(row("cpu", 64), row("cuda:0", 64, compare=withheld)) == [
        "no speed-up of cuda:0 over cpu: the outputs do not agree"
    ]
    error = BenchError(kind="OutOfMemory", message="no room", stage="first call")
    assert said(row("cpu", 64), row("cuda:0", 64, compare=withheld, error=error)) == [
        "no speed-up of cuda:0 over cpu: out of memory at batch 64"
    ]


def test_one_row_alone_has_its_latency_and_the_largest_batch_comes_last() -> None:
    found = Latency(
        median_s=0.0023144,
        ci_low_s=0.00228,
        ci_high_s=0.00235,
        ci_method="",
        floor_s=0.00228,
        p90_s=None,
        p99_s=None,
        n_calls=12,
        calls_per_sample=1,
        warmup_calls=3,
        rounds=(),
    )
    largest = LargestBatch(series=CPU, batch=None, too_large=1)
    assert said(row("cpu", 8, latency=found), largest=(largest,)) == [
        "cpu takes 2.31 ms (2.28–2.35 ms) at batch 8 (trusted)",
        sweep.largest(largest),
    ]
