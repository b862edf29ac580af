"""Where one series overtakes another, from winners by batch; and which batches are looked at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nninspect.bench.crossover import MOST_BATCHES, around, crossover, crossovers, fastest, search
from nninspect.protocol.bench import BenchRow, Compare, Config
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.sweep import Crossover, Series

CPU, GPU = Series("cpu"), Series("cuda:0")


def crossing(*winners: str) -> Crossover | None:
    """Of the GPU over the CPU, at batch 1, 2, 4 …"""
    compared = {2**place: winner for place, winner in enumerate(winners)}
    return crossover(GPU, CPU, compared)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("winners", "faster", "batch", "slower_at"),
    [
        (("against", "against", "this", "this"), GPU, 4, 2),
        (("against", "", "this", "this"), GPU, 4, 1),
        (("this", "this"), GPU, 1, None),
        (("", "this"), GPU, 2, None),
        (("this", "against", "this"), GPU, 4, 2),
        (("this", "", "against"), CPU, 4, 1),
        (("against", "this", ""), GPU, None, 1),
        (("", ""), GPU, None, None),
    ],
)
def test_it_counts_from_where_the_winner_stays(
    winners: tuple[str, ...], faster: Series, batch: int | None, slower_at: int | None
) -> None:
    found = crossing(*winners)
    assert found is not None
    assert (found.series, found.batch) == (faster, batch)
    if batch is not None:
        assert found.slower_at == slower_at


def test_one_batch_has_no_crossover() -> None:
    assert crossing("this") is None


def row(device: str, batch: int, ratio: float, with_transfers: float | None = None) -> BenchRow:
    def against(value: float | None) -> Compare | None:
        if value is None:
            return None
        return Compare(
            against=Key("cpu", batch), ratio=value, ci_low=0.99 * value, ci_high=1.01 * value
        )

    config = Config(
        target="",
        params=0,
        inputs=(),
        batch=batch,
        dtype="",
        device=device,
        mode="inference",
        threads=1,
    )
    return BenchRow(
        config=config,
        compare=against(ratio) if device != "cpu" else None,
        compare_with_transfers=against(with_transfers),
    )


def test_it_is_told_for_resident_inputs_and_again_with_the_transfers() -> None:
    rows = [row("cpu", batch, 1) for batch in (1, 2, 4)]
    rows += [row("cuda:0", 1, 0.5, 0.2), row("cuda:0", 2, 2, 0.8), row("cuda:0", 4, 4, 1.5)]
    resident, whole = crossovers(rows)
    assert (resident.batch, resident.slower_at, resident.with_transfers) == (2, 1, False)
    assert (whole.batch, whole.slower_at, whole.with_transfers) == (4, 2, True)


def played(cross_at: float, growth: float = 1.0) -> Mapping[int, Mapping[str, float]]:
    """A CPU whose time grows with the batch, and a GPU that always takes the same."""
    return {
        2**n: {"cpu": 1e-3 * 2**n * growth, "cuda": 1e-3 * cross_at * growth} for n in range(20)
    }


@pytest.mark.parametrize("cross_at", [0.4, 1, 3, 10, 100, 1000])
def test_the_batches_around_the_crossing_are_kept(cross_at: float) -> None:
    times = played(cross_at)
    asked: list[int] = []

    def look(batch: int) -> Mapping[str, float]:
        asked.append(batch)
        return times[batch]

    kept = search(look, lambda: True)
    assert len(kept) <= MOST_BATCHES
    assert asked == [2**n for n in range(len(asked))]
    assert kept[-1] > cross_at, "the one that is faster at large batches is seen to be"
    assert kept[0] <= max(1, cross_at)


def test_it_ends_where_there_is_no_time_or_no_room_for_more() -> None:
    assert search(lambda batch: {"cpu": 1.0, "cuda": 1.0}, lambda: False) == [1]
    full = {1: {"cpu": 1.0, "cuda": 2.0}, 2: {"cpu": 2.0, "cuda": 2.0}, 4: {"cpu": 4.0}}
    assert search(lambda batch: full[batch], lambda: True) == [1, 2, 4]


def test_a_first_look_calls_only_a_clear_lead_a_lead() -> None:
    assert fastest({"cpu": 1.0, "cuda": 1.1}) == ""
    assert fastest({"cpu": 1.0, "cuda": 1.3}) == "cpu"


def test_where_the_order_never_changes_the_small_batches_are_kept() -> None:
    assert around({2**n: "cuda" for n in range(8)}) == [1, 2, 4, 8, 16]
