"""A crossover and a largest batch in sentences."""

from __future__ import annotations

import pytest

from nninspect.protocol.sweep import Crossover, LargestBatch, Series
from nninspect.text import sweep

CPU, GPU = Series("cpu"), Series("cuda:0")


@pytest.mark.parametrize(
    ("batch", "slower_at", "transfers", "said"),
    [
        (8, 4, False, "cuda:0 is faster than cpu from batch 8 on: it overtakes between 4 and 8"),
        (
            8,
            2,
            True,
            "cuda:0 is faster than cpu from batch 8 on, transfers included: "
            "it overtakes between 2 and 8",
        ),
        (1, None, False, "cuda:0 is faster than cpu from batch 1 on, the smallest that was timed"),
        (
            8,
            None,
            False,
            "cuda:0 is faster than cpu from batch 8 on; below, neither is shown to be faster",
        ),
        (
            None,
            None,
            False,
            "no crossover of cuda:0 and cpu at batch 1 to 16: "
            "neither is shown to be faster at the largest",
        ),
    ],
)
def test_a_crossover(batch: int | None, slower_at: int | None, transfers: bool, said: str) -> None:
    found = Crossover(
        series=GPU,
        over=CPU,
        batch=batch,
        slower_at=slower_at,
        checked=(1, 2, 4, 8, 16),
        with_transfers=transfers,
    )
    assert sweep.crossover(found) == said


def test_a_crossover_of_two_modes_of_a_device() -> None:
    found = Crossover(
        series=CPU, over=Series("cpu", "threads=1"), batch=4, slower_at=2, checked=(1, 2, 4)
    )
    assert sweep.crossover(found) == (
        "on cpu inference is faster than threads=1 from batch 4 on: it overtakes between 2 and 4"
    )


def test_a_largest_batch_with_its_peak_and_what_does_not_fit() -> None:
    found = LargestBatch(
        series=Series("cuda:0", "train"),
        batch=1500,
        too_large=1520,
        peak_bytes=79 * 2**30,
        limit_bytes=80 * 2**30,
        attempts=6,
    )
    assert sweep.largest(found) == (
        "largest batch on cuda:0, train: 1,500, with a peak of 79.0 GiB of 80.0 GiB; "
        "1,520 does not fit (6 tries)"
    )


def test_a_largest_batch_that_was_not_found_says_why() -> None:
    none = LargestBatch(series=CPU, batch=None, too_large=1)
    assert sweep.largest(none) == "largest batch on cpu: not even one sample fits"
    tight = LargestBatch(series=CPU, batch=None, too_large=1, limit_bytes=2**20)
    assert sweep.largest(tight) == (
        "largest batch on cpu: not even one sample fits into 1.00 MiB, the process itself included"
    )
    unlimited = LargestBatch(series=CPU, batch=None, too_large=None, note="the CPU has no limit")
    assert sweep.largest(unlimited) == ("largest batch on cpu: not found, as the CPU has no limit")
