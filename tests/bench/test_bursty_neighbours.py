"""The interval beside a neighbour that comes and goes, on a played clock: what spreading buys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from random import Random
from statistics import median
from typing import Any

import pytest

from nninspect.bench import clock, estimate
from nninspect.bench.backend import CpuBackend
from nninspect.bench.contender import Contender
from nninspect.bench.rounds import APART_S, ROUND_S, ROUNDS, Limits, Rounds
from nninspect.protocol.bench_plan import Key

CALL_S = 0.02
RUNS = 60


class Neighbour(CpuBackend):
    """A machine on which a call takes twice as long, and jitters, while the neighbour is there.

    It comes and goes at random: so many seconds there on average, as many away.
    """

    def __init__(self, seed: int, stays_s: float) -> None:
        super().__init__()
        self.seconds = 0.0
        self.now = lambda: self.seconds
        self._random = Random(seed)
        self._stays_s = stays_s
        self._is_there = self._random.random() < 0.5
        self._turns = self._random.expovariate(1 / stays_s)

    def call(self) -> None:
        while self.seconds >= self._turns:
            self._is_there = not self._is_there
            self._turns += self._random.expovariate(1 / self._stays_s)
        slow = self._random.uniform(1.2, 2.0) if self._is_there else self._random.uniform(1, 1.02)
        self.seconds += CALL_S * slow

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def interval(machine: Neighbour, quiet: Any, round_s: float, rounds: int) -> estimate.Interval:
    """As the benchmark would tell it of the next seconds of that machine."""
    entered = Contender(Key("played", 1), machine, machine.call, nullcontext)
    Rounds(
        [entered],
        Limits(rounds, 1e9, round_s),
        failed=lambda contender, error: pytest.fail(str(error)),
        tell=lambda progress: None,
        reads=quiet(),
        now=machine.now,
        sleep=machine.sleep,
    ).run()
    return estimate.interval(entered.medians)


def truths(machine: Neighbour) -> Iterator[float]:
    """Medians of slots far apart, as the whole of the machine's life has them."""
    for _ in range(400):
        machine.sleep(20 * machine._stays_s)
        yield median(clock.sample(machine.call, machine, 1, 1.0))


def coverage(quiet: Any, round_s: float, stays_s: float) -> float:
    """The share of runs whose interval holds the long median."""
    truth = median(truths(Neighbour(0, stays_s)))
    held = 0
    for seed in range(1, RUNS + 1):
        found = interval(Neighbour(seed, stays_s), quiet, round_s, ROUNDS)
        held += found.low <= truth <= found.high
    return held / RUNS


@pytest.mark.parametrize("stays_s", [0.3, 1.0])
def test_rounds_spread_over_ten_seconds_hold_the_long_median(
    quiet_machine: Any, stays_s: float
) -> None:
    assert coverage(quiet_machine, ROUND_S, stays_s) >= 0.85


@pytest.mark.parametrize(
    ("stays_s", "nearer", "farther"), [(2.0, 0.0, ROUND_S), (4.0, ROUND_S, APART_S)]
)
def test_the_longer_a_neighbour_stays_the_farther_apart_rounds_have_to_be(
    quiet_machine: Any, stays_s: float, nearer: float, farther: float
) -> None:
    near, far = (coverage(quiet_machine, each, stays_s) for each in (nearer, farther))
    assert near < 0.75
    assert far >= 0.85
