"""Ratios of pairs, who is faster, and what each row is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from nninspect.bench import estimate
from nninspect.bench.compare import baseline, by_round, compare, paired_ratios
from nninspect.protocol.bench import Agreement, BenchRow, Config, Quality, Verdict
from nninspect.protocol.bench_figures import Round
from nninspect.protocol.bench_plan import Key

WORK = {"inference": "forward", "float16": "forward", "train": "training step"}


def row(
    medians: Sequence[float],
    device: str = "cuda:0",
    batch: int = 8,
    mode: str = "inference",
    verdict: Verdict = "trusted",
) -> BenchRow:
    rounds = [
        Round(number=n, median_s=seconds, n=1, t_start_s=n, canary_ratio=1.0)
        for n, seconds in enumerate(medians)
    ]
    return BenchRow(
        config=Config(
            target="t",
            params=1,
            inputs=(),
            batch=batch,
            dtype="float32",
            device=device,
            mode=mode,
            threads=1,
        ),
        latency=estimate.latency(rounds, medians) if medians else None,
        quality=Quality(verdict=verdict),
    )


TEN = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]


def test_the_speed_up_is_the_median_of_the_paired_ratios() -> None:
    """Both drift by a factor of two; the ratio does not."""
    cpu = row([4 * each for each in TEN], "cpu")
    found = compare(row(TEN), cpu)
    assert found.ratio == pytest.approx(4)
    assert (found.ci_low, found.ci_high) == (pytest.approx(4), pytest.approx(4))
    assert found.n_pairs == 10
    assert found.against == Key("cpu", 8)
    assert found.winner == "this"


def test_an_interval_of_ratios_by_hand() -> None:
    cpu = row([2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0], "cpu")
    found = compare(row([1.0] * 10), cpu)
    assert (found.ratio, found.ci_low, found.ci_high) == (6.5, 3.0, 10.0)


def test_a_ratio_whose_interval_has_1_in_it_has_no_winner() -> None:
    found = compare(row([1.0] * 10), row([0.9, 0.9, *[1.1] * 8], "cpu"))
    assert found.ratio == pytest.approx(1.1)
    assert found.winner == ""


def test_only_rounds_that_both_have_are_pairs() -> None:
    short, long = row([1.0, 2.0], "cpu"), row([1.0, 1.0, 1.0])
    assert short.latency is not None
    assert long.latency is not None
    assert paired_ratios(by_round(long.latency), by_round(short.latency)) == [1.0, 2.0]


def test_an_untrusted_pair_has_a_ratio_and_no_winner() -> None:
    cpu = row([4.0] * 10, "cpu")
    for pair in ((row(TEN, verdict="untrusted"), cpu), (row(TEN), replace(cpu, quality=None))):
        found = compare(*pair)
        assert found.untrusted
        assert found.ratio is not None
        assert found.winner == ""
    assert compare(row(TEN, verdict="noisy"), cpu).winner == "this"


def test_on_disagreement_the_speed_up_is_withheld() -> None:
    wrong = Agreement(
        against=Key("cpu", 8),
        max_error=0.5,
        cosine_distance=0.1,
        argmax_agreement=0.2,
        limit=1e-5,
        agrees=False,
    )
    found = compare(replace(row(TEN), agreement=wrong), row([4.0] * 10, "cpu"))
    assert (found.ratio, found.winner) == (None, "")
    assert "do not agree" in found.withheld


def test_without_a_latency_there_is_no_speed_up() -> None:
    found = compare(row(TEN), row([], "cpu"))
    assert found.ratio is None
    assert found.withheld == "cpu at batch 8 (inference) has no latency"


def test_a_row_is_compared_with_the_first_device_else_with_the_first_mode() -> None:
    rows = [
        row(TEN, device, batch, mode)
        for device in ("cpu", "cuda:0")
        for batch in (1, 8)
        for mode in ("inference", "float16", "train")
    ]
    found = {
        each.key: None if (b := baseline(each, rows, WORK)) is None else b.key for each in rows
    }
    assert found == {
        Key("cpu", 1): None,
        Key("cpu", 1, "float16"): Key("cpu", 1),
        Key("cpu", 1, "train"): None,
        Key("cpu", 8): None,
        Key("cpu", 8, "float16"): Key("cpu", 8),
        Key("cpu", 8, "train"): None,
        Key("cuda:0", 1): Key("cpu", 1),
        Key("cuda:0", 1, "float16"): Key("cpu", 1, "float16"),
        Key("cuda:0", 1, "train"): Key("cpu", 1, "train"),
        Key("cuda:0", 8): Key("cpu", 8),
        Key("cuda:0", 8, "float16"): Key("cpu", 8, "float16"),
        Key("cuda:0", 8, "train"): Key("cpu", 8, "train"),
    }
