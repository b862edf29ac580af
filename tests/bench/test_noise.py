"""What is read of the machine, from files that the test writes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count, repeat
from pathlib import Path

import pytest

from nninspect.bench.machine import fair_threads, physical_cores, visible_cores
from nninspect.bench.noise import Canary, RunQueue, cpu_throttles, run_queue, waited_share


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def canary_of(readings: Iterable[float]) -> Canary:
    """One whose loops take that long, one after another."""
    steps = iter(readings)
    return Canary(chain.from_iterable((10.0 * n, 10.0 * n + next(steps)) for n in count()).__next__)


def test_a_canary_reads_the_median_of_its_repeats() -> None:
    canary = canary_of(chain([2.0] * 4 + [50.0], repeat(3.0)))
    assert canary.fastest == 2.0
    assert canary.seconds() == 3.0
    assert canary.fastest == 2.0


def test_one_lucky_reading_of_many_is_not_what_the_others_are_compared_with() -> None:
    canary = canary_of(chain([3.0] * 5 * 6, [2.0] * 5, repeat(3.0)))
    for _ in range(19):
        canary.seconds()
    assert canary.fastest == 3.0


def test_the_run_queue_is_the_sum_of_all_threads(tmp_path: Path) -> None:
    write(tmp_path / "1/schedstat", "1000000000 250000000 7\n")
    write(tmp_path / "2/schedstat", "3000000000 0 9\n")
    (tmp_path / "3").mkdir()
    assert run_queue(tmp_path) == RunQueue(4.0, 0.25)


def test_where_the_kernel_does_not_tell_there_is_no_run_queue(tmp_path: Path) -> None:
    assert run_queue(tmp_path / "none") is None
    assert waited_share(None, RunQueue(1, 1)) is None


@pytest.mark.parametrize(
    ("after", "share"),
    [
        (RunQueue(13.0, 2.0), 0.25),
        (RunQueue(10.0, 1.0), 0.0),
        (RunQueue(10.0, 1.5), 1.0),
        (RunQueue(9.0, 0.5), 0.0),
    ],
)
def test_the_share_is_of_the_time_that_threads_wanted_to_run(after: RunQueue, share: float) -> None:
    assert waited_share(RunQueue(10.0, 1.0), after) == share


def test_throttled_cores_are_counted(tmp_path: Path) -> None:
    assert cpu_throttles(tmp_path) is None
    write(tmp_path / "cpu0/thermal_throttle/core_throttle_count", "3\n")
    write(tmp_path / "cpu11/thermal_throttle/core_throttle_count", "4\n")
    assert cpu_throttles(tmp_path) == 7


def test_cores_that_share_one_count_once(tmp_path: Path) -> None:
    for number in range(4):
        write(
            tmp_path / f"cpu{number}/topology/thread_siblings_list",
            f"{number % 2},{number % 2 + 2}",
        )
    assert physical_cores(frozenset(range(4)), tmp_path) == 2
    assert physical_cores(frozenset({0, 2}), tmp_path) == 1
    assert physical_cores(frozenset({8, 9}), tmp_path) == 2


@pytest.mark.parametrize(("quota", "threads"), [(None, 4), (2.9, 2), (0.5, 1), (64.0, 4)])
def test_threads_are_the_least_of_cores_and_quota(
    quota: float | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nninspect.bench import machine

    monkeypatch.setattr(machine, "visible_cores", lambda: frozenset(range(8)))
    monkeypatch.setattr(machine, "physical_cores", lambda cores: len(cores) // 2)
    monkeypatch.setattr(machine, "quota_cores", lambda: quota)
    assert fair_threads() == threads


def test_this_machine_has_a_core() -> None:
    assert 1 <= fair_threads() <= len(visible_cores())
