"""The rounds on a virtual clock: their order, retries, ends, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from random import Random
from statistics import median
from typing import Any

import pytest

from nninspect.bench import estimate
from nninspect.bench.contender import Contender
from nninspect.bench.noise import RunQueue
from nninspect.bench.rounds import Limits, Rounds
from nninspect.bench.verdict import judge
from nninspect.errors import Interrupted
from nninspect.protocol.bench_plan import BenchError, BenchProgress, Key


def contenders(device: Any, count: int = 3) -> list[Contender]:
    """That run on one device, each its own configuration."""
    made = []
    for batch in range(count):
        found = Contender(Key("virtual", batch), device, device.call, nullcontext)
        found.warm_up()
        made.append(found)
    return made


def rounds(device: Any, entered: list[Contender], reads: Any, **given: Any) -> Rounds:
    given.setdefault("limits", Limits(rounds=6, max_time_s=1000, round_s=0))
    given.setdefault("tell", lambda progress: None)
    return Rounds(
        entered,
        failed=lambda contender, error: BenchError(
            kind="Failed", message=str(error), stage="rounds"
        ),
        reads=reads,
        random=Random(0),
        now=device.now,
        sleep=lambda seconds: setattr(device, "host", device.host + seconds),
        **given,
    )


def test_every_round_visits_every_configuration_in_an_order_of_its_own(
    virtual: Any, quiet_machine: Any
) -> None:
    heard: list[BenchProgress] = []
    device = virtual()
    run = rounds(device, contenders(device), quiet_machine(), tell=heard.append)
    assert run.run() == "all rounds"
    orders = [
        [each.key.batch for each in heard if each.round == number] for number in range(run.done)
    ]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_a_steady_run_ends_before_the_last_round_but_not_before_the_sixth(
    virtual: Any, quiet_machine: Any
) -> None:
    device = virtual()
    run = rounds(device, contenders(device), quiet_machine(), limits=Limits(10, 1000, 0))
    assert run.run() == "steady"
    assert run.done == 6


def test_rounds_that_differ_go_on_to_the_last(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()

    def faster_and_slower(progress: BenchProgress) -> None:
        device.device_s = 10e-3 * (1 + 0.1 * (progress.round % 2))

    run = rounds(
        device,
        contenders(device),
        quiet_machine(),
        limits=Limits(10, 1000, 0),
        tell=faster_and_slower,
    )
    assert run.run() == "all rounds"
    assert run.done == 10


def test_the_time_limit_ends_it_between_two_rounds(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()
    entered = contenders(device)
    run = rounds(device, entered, quiet_machine(), limits=Limits(10, 4.0, 0))
    assert run.run() == "time limit"
    assert 1 <= run.done < 6
    assert device.host - run.began <= 4.0
    assert {len(each.medians) for each in entered} == {run.done}


def test_one_round_is_measured_however_long_it_takes(virtual: Any, quiet_machine: Any) -> None:
    device = virtual(device_s=50.0)
    run = rounds(device, contenders(device, 2), quiet_machine(), limits=Limits(10, 1.0, 0))
    assert run.run() == "time limit"
    assert run.done == 1


def test_slow_calls_have_short_slots_so_that_rounds_enough_are_finished(
    virtual: Any, quiet_machine: Any
) -> None:
    device = virtual(device_s=1.0)
    device.queues = False
    entered = contenders(device, 4)
    run = rounds(device, entered, quiet_machine(), limits=Limits(6, 49.0, 0))
    assert run.run() == "all rounds"
    assert {each.n for row in entered for each in row.rounds} == {2}


def test_rounds_are_spread_over_time(virtual: Any, quiet_machine: Any) -> None:
    device = virtual(device_s=1e-3)
    (entered,) = contenders(device, 1)
    rounds(device, [entered], quiet_machine(), limits=Limits(6, 1000, 1.0)).run()
    starts = [each.t_start_s for each in entered.rounds]
    assert starts == pytest.approx([0, 1, 2, 3, 4, 5])


@pytest.fixture
def shared_machine(quiet_machine: Any) -> Any:
    """One on which threads wait for their core a share of the time, in rounds of some numbers."""

    def made(disturbed: Callable[[int], bool]) -> Any:
        reads, seen = quiet_machine(), count()
        queues = []

        def run_queue() -> RunQueue:
            if (reading := next(seen)) % 2:  # after the slot
                queues.append(0.1 * disturbed(reading // 2))
            return RunQueue(len(queues), sum(queues))

        reads.run_queue = run_queue
        return reads

    return made


def test_beside_a_neighbour_that_stays_rounds_are_far_apart_and_none_is_spared(
    virtual: Any, shared_machine: Any
) -> None:
    device = virtual(device_s=1e-3)
    (entered,) = contenders(device, 1)
    reads = shared_machine(lambda number: True)
    run = rounds(device, [entered], reads, limits=Limits(10, 1000, 1.0, 3.0))
    assert run.run() == "all rounds"
    assert [each.t_start_s for each in entered.rounds] == pytest.approx(range(0, 30, 3))


def test_a_neighbour_that_came_by_once_changes_nothing(virtual: Any, shared_machine: Any) -> None:
    device = virtual(device_s=1e-3)
    (entered,) = contenders(device, 1)
    reads = shared_machine(lambda number: number == 2)
    run = rounds(device, [entered], reads, limits=Limits(10, 1000, 1.0, 3.0))
    assert run.run() == "steady"
    assert [each.t_start_s for each in entered.rounds] == pytest.approx(range(6))


def test_a_slot_beside_a_slow_canary_is_measured_again_and_both_are_kept(
    virtual: Any, quiet_machine: Any
) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    rounds(device, [entered], quiet_machine(1.0, 1.5, 1.0, 1.0)).run()
    first = [each for each in entered.rounds if each.number == 0]
    assert [(each.canary_ratio, each.discarded) for each in first] == [(1.5, True), (1.0, False)]
    assert len(entered.slots) == 6


def test_after_two_retries_the_quietest_attempt_is_kept(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    reads = quiet_machine(*[1.5, 1.5, 1.2, 1.2, 1.4, 1.4])
    rounds(device, [entered], reads).run()
    first = [each for each in entered.rounds if each.number == 0]
    assert [each.discarded for each in first] == [True, False, True]
    quality = judge(estimate.latency(entered.rounds, entered.samples), entered.samples)
    assert quality.discarded_slots == 2


def test_a_round_in_which_a_quota_ran_out_says_so(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    reads = quiet_machine()
    reads.run_out = iter([7, 7, 7, 8, *[8] * 20])
    rounds(device, [entered], reads).run()
    assert [each.throttled for each in entered.rounds[:3]] == [(), ("quota",), ()]


def test_canaries_are_settled_against_the_fastest_of_the_whole_run(
    virtual: Any, quiet_machine: Any
) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    rounds(device, [entered], quiet_machine(1.02, 1.02)).run()
    assert [each.canary_ratio for each in entered.settled(0.5)][:2] == [2.04, 2.0]


@pytest.mark.parametrize("error", [MemoryError, SystemExit, KeyboardInterrupt])
def test_a_configuration_that_fails_leaves_the_others_alone(
    virtual: Any, quiet_machine: Any, error: type[BaseException]
) -> None:
    device, other = virtual(), virtual()
    entered = contenders(device, 2)
    (failing,) = contenders(other, 1)
    other.fails_at = other.calls + 30
    other.error = error("played")
    released: list[Contender] = []
    run = rounds(device, [entered[0], failing, entered[1]], quiet_machine())
    run.release = released.append
    assert run.run() == "all rounds"
    assert failing.error is not None
    assert failing.error.message == "played"
    assert released == [failing]
    assert [len(each.medians) for each in entered] == [6, 6]


def test_nothing_left_to_measure_ends_it(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    device.fails_at = 0
    assert rounds(device, [entered], quiet_machine()).run() == ""


def test_an_interrupt_keeps_the_finished_rounds_and_no_part_of_another(
    virtual: Any, quiet_machine: Any
) -> None:
    device = virtual()
    entered = contenders(device)

    def stop(progress: BenchProgress) -> None:
        if (progress.round, progress.place) == (2, 1):
            raise Interrupted

    run = rounds(device, entered, quiet_machine(), tell=stop)
    with pytest.raises(Interrupted):
        run.run()
    assert run.done == 2
    for each in entered:
        assert [found.number for found in each.rounds] == [0, 1]
        assert len(each.slots) == len(each.canaries_s) == 2


def test_progress_has_the_latest_interval_and_the_time_left(
    virtual: Any, quiet_machine: Any
) -> None:
    heard: list[BenchProgress] = []
    device = virtual()
    rounds(device, contenders(device, 2), quiet_machine(), tell=heard.append).run()
    assert heard[0].median_s is None
    assert heard[0].seconds_left is None
    assert heard[1].latest == heard[0].key
    assert heard[1].median_s == pytest.approx(10e-3, rel=0.01)
    left = [each.seconds_left for each in heard if each.round and each.place == 0]
    assert left == sorted(left, reverse=True)
    assert [each.round for each in heard] == [n for n in range(6) for _ in range(2)]


def test_a_device_that_throttles_is_told_with_the_figures(virtual: Any, quiet_machine: Any) -> None:
    device = virtual()
    (entered,) = contenders(device, 1)
    device.throttles_after = device.calls + 150
    rounds(device, [entered], quiet_machine(), limits=Limits(10, 1000, 0)).run()
    quality = judge(estimate.latency(entered.rounds, entered.samples), entered.samples)
    assert {"throttled", "trend"} <= set(quality.reasons)
    assert quality.verdict != "trusted"


def test_nothing_is_told_within_a_timed_region(virtual: Any, quiet_machine: Any) -> None:
    """Telling takes a second of the clock; no sample has it in it."""
    device = virtual()

    def tell(progress: BenchProgress) -> None:
        device.host += 1.0

    entered = contenders(device, 2)
    rounds(device, entered, quiet_machine(), tell=tell).run()
    for each in entered:
        assert max(each.samples) == pytest.approx(median(each.samples), rel=0.01)
