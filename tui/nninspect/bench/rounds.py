"""The rounds: each visits every configuration in random order, with the noise around every slot."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from nninspect.bench import estimate
from nninspect.bench.contender import Contender, Slot
from nninspect.bench.noise import Canary, RunQueue, run_queue, waited_share
from nninspect.bench.verdict import MAX_CANARY, TRUSTED_HALF_WIDTH, is_disturbed
from nninspect.engine.cgroup import QUOTA, Quotas
from nninspect.errors import Interrupted
from nninspect.protocol.bench_figures import Round
from nninspect.protocol.bench_plan import LEAST_ROUNDS, BenchError, BenchProgress

ROUNDS = 10
QUICK_ROUNDS = 6

ROUND_S = 1.0
"""Between the starts of two rounds, at least: neighbours come and go within seconds, and an
interval is to span them. Not when quick."""

APART_S = 3.0
"""The same beside a neighbour that stays: which of its cores a machine slows down for it was seen
to change every 10 to 20 s, and rounds of one such stretch agree with each other alone."""

MAX_RETRIES = 2
"""Of a slot beside which the canary failed."""


class Reads(Protocol):
    """What is read of the machine around a slot; tests play it."""

    def canary(self) -> float:
        """A fixed loop, seconds."""
        ...

    @property
    def fastest(self) -> float: ...

    def run_queue(self) -> RunQueue | None: ...

    def quotas_run_out(self) -> int:
        """How often the CPU quota of a control group ran out so far."""
        ...


class Machine:
    """The real readings."""

    def __init__(self) -> None:
        self._canary = Canary()
        self._quotas = Quotas()

    def canary(self) -> float:
        return self._canary.seconds()

    @property
    def fastest(self) -> float:
        return self._canary.fastest

    def run_queue(self) -> RunQueue | None:
        return run_queue()

    def quotas_run_out(self) -> int:
        return self._quotas.times_run_out()


class _Attempt(NamedTuple):
    """One slot, kept or not."""

    samples: list[float]
    canary_s: float
    round: Round


@dataclass
class Limits:
    """When it ends."""

    rounds: int = ROUNDS
    max_time_s: float = 30.0
    """No round begins that would end later, the first one aside."""
    round_s: float = ROUND_S
    """Between the starts of two rounds, at least."""
    apart_s: float = APART_S
    """The same beside a neighbour that stays."""


@dataclass
class Rounds:
    """Runs the rounds over contenders, which keep what was measured."""

    contenders: Sequence[Contender]
    limits: Limits
    failed: Callable[[Contender, BaseException], BenchError]
    """Makes an error of what a call raised."""
    tell: Callable[[BenchProgress], None]
    """Hears how far it is, between slots. May raise to end it."""
    reads: Reads = field(default_factory=Machine)
    random: Random = field(default_factory=Random)
    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep
    release: Callable[[Contender], None] = lambda contender: None
    """Frees what a failed one holds."""
    finished: Callable[[], None] = lambda: None
    """Hears of every round that is over."""
    done: int = 0
    """Finished rounds."""
    began: float = 0.0
    _retries_end: float = 0.0
    """A retry may not cost another round: a round has its share of the time for them."""

    def run(self) -> str:
        """Round after round; why it ended: "all rounds", "steady", "time limit", "" for nothing
        to measure. What was measured in a round that is broken off is dropped."""
        self.began = self.now()
        longest = 0.0
        while self._running:
            if why := self._ended(longest):
                return why
            started = self.now()
            try:
                self._round()
            except BaseException:
                self._drop_unfinished()
                raise
            longest = max(longest, self.now() - started)
            self.done += 1
            self.finished()
            self._rest(started)
        return ""

    @property
    def _running(self) -> list[Contender]:
        return [each for each in self.contenders if each.error is None]

    def _ended(self, longest: float) -> str:
        if self.done == self.limits.rounds:
            return "all rounds"
        if self.done >= LEAST_ROUNDS and self._is_steady:
            return "steady"
        spent = self.now() - self.began
        return "time limit" if self.done and spent + longest > self.limits.max_time_s else ""

    def _rest(self, started: float) -> None:
        """Until the next round is due; not after the last."""
        period = self.limits.apart_s if self._has_neighbour else self.limits.round_s
        left = period - (self.now() - started)
        if left > 0 and self.done < self.limits.rounds:
            self.sleep(left)

    @property
    def _is_steady(self) -> bool:
        """Narrow intervals can be believed. Beside a neighbour they may be those of one stretch."""
        return all(map(_is_narrow, self._running)) and not self._has_neighbour

    @property
    def _has_neighbour(self) -> bool:
        """One that stays: some configuration was disturbed in most of its rounds."""
        return any(
            median(map(is_disturbed, each.kept)) > 0.5 for each in self._running if each.slots
        )

    def _round(self) -> None:
        self._retries_end = self.now() + self.limits.max_time_s / self.limits.rounds
        gc.collect()  # here, as none is made in a timed region
        order = self._running
        self.random.shuffle(order)
        for place, contender in enumerate(order):
            self.tell(self._progress(contender, place, len(order)))
            try:
                self._visit(contender)
                continue
            except Interrupted:
                raise
            except BaseException as error:  # whatever it is, the model's code raised it
                contender.error = self.failed(contender, error)
            self.release(contender)  # not above: the exception holds the tensors of its frames

    def _visit(self, contender: Contender) -> None:
        """One slot, again where the canary failed; the quietest attempt is kept."""
        attempts = [self._attempt(contender)]
        while (
            attempts[-1].round.canary_ratio > MAX_CANARY
            and len(attempts) <= MAX_RETRIES
            and self.now() < self._retries_end
        ):
            attempts.append(self._attempt(contender))
        best = min(attempts, key=lambda attempt: attempt.canary_s)
        slot = contender.apart(best.samples)
        for each in attempts:
            contender.rounds.append(_as_kept(each.round, slot, each is best))
            contender.canaries_s.append(each.canary_s)
        contender.slots.append(slot)

    def _attempt(self, contender: Contender) -> _Attempt:
        started = self.now()
        canary, queue = self.reads.canary(), self.reads.run_queue()
        run_out = self.reads.quotas_run_out()
        samples = contender.samples_of(self._longest_slot)
        waited = waited_share(queue, self.reads.run_queue())
        is_over_quota = self.reads.quotas_run_out() > run_out
        canary = max(canary, self.reads.canary())
        found = Round(
            number=self.done,
            median_s=median(samples),
            n=len(samples),
            t_start_s=started - self.began,
            canary_ratio=canary / self.reads.fastest,
            runq_frac=waited,
            throttled=(QUOTA,) if is_over_quota else (),
        )
        return _Attempt(samples, canary, found)

    @property
    def _longest_slot(self) -> float:
        """So that the time is enough for an interval: a slow model's slots end early, as do those
        of many configurations."""
        return self.limits.max_time_s / (LEAST_ROUNDS * max(1, len(self._running)))

    def _drop_unfinished(self) -> None:
        for contender in self.contenders:
            contender.rounds[:] = [each for each in contender.rounds if each.number < self.done]
            del contender.canaries_s[len(contender.rounds) :]
            del contender.slots[self.done :]

    def _progress(self, contender: Contender, place: int, places: int) -> BenchProgress:
        measured = [each for each in self._running if each.slots]
        latest = max(measured, key=lambda each: each.rounds[-1].t_start_s, default=None)
        found = None if latest is None else estimate.interval(latest.medians)
        return BenchProgress(
            key=contender.key,
            place=place,
            places=places,
            round=self.done,
            rounds=self.limits.rounds,
            latest=None if latest is None else latest.key,
            median_s=None if latest is None else median(latest.medians),
            ci_low_s=None if found is None else found.low,
            ci_high_s=None if found is None else found.high,
            seconds_left=self._seconds_left(),
        )

    def _seconds_left(self) -> float | None:
        """Of all rounds or the limit, whichever is nearer; None in the first round."""
        if not self.done:
            return None
        spent = self.now() - self.began
        of_rounds = spent / self.done * (self.limits.rounds - self.done)
        return max(0.0, min(of_rounds, self.limits.max_time_s - spent))


def _as_kept(found: Round, slot: Slot, is_best: bool) -> Round:
    why = (*found.throttled, *slot.health.reasons)
    return replace(found, discarded=not is_best, throttled=why)


def _is_narrow(contender: Contender) -> bool:
    medians = contender.medians
    if not medians:
        return False
    found = estimate.interval(medians)
    return (found.high - found.low) / 2 <= TRUSTED_HALF_WIDTH * median(medians)
