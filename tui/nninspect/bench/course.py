"""One benchmark from warm-up to result: what is known so far, and how much time is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Protocol

from msgspec.structs import replace

from nninspect.bench import assemble
from nninspect.bench.after import Afterwards, seconds_wanted
from nninspect.bench.backend import backend_of
from nninspect.bench.candidate import Candidate, failure
from nninspect.bench.contender import Contender
from nninspect.bench.crossover import MOST_BATCHES, crossovers, search
from nninspect.bench.fitting import largest_batches
from nninspect.bench.replicas import Replicas
from nninspect.bench.rounds import (
    APART_S,
    QUICK_ROUNDS,
    ROUND_S,
    ROUNDS,
    Limits,
    Machine,
    Rounds,
)
from nninspect.bench.subjects import Subjects
from nninspect.errors import Interrupted
from nninspect.protocol.bench import BenchResult, BenchRow, Spent
from nninspect.protocol.bench_plan import LEAST_ROUNDS, BenchPlan, BenchProgress, Key
from nninspect.protocol.sweep import LargestBatch

CANCELLED = "cancelled"

WARMUP_SHARE = 0.3
"""Of the time, for all warm-ups together."""
ROUNDS_SHARE = 0.9
"""Of the time for rounds: so close to its end they are spread, where there is little of it."""
AFTER_SHARE = 0.2
"""Of the time, at most, for what comes after the rounds."""
SEARCH_SHARE = 0.5
"""Of the time, what the rounds of the next batch of a search may take at least."""


class Report(Protocol):
    """Hears how far it is, never within a timed region; may raise to end it."""

    def __call__(
        self, stage: str, fraction: float | None, bench: BenchProgress | None = None
    ) -> None: ...


class Course:
    """Runs the phases in order and keeps what they find. `result_of` makes a result of it."""

    def __init__(
        self, plan: BenchPlan, subjects: Subjects, replicas: Replicas, report: Report, load_s: float
    ) -> None:
        self._plan = plan
        self._subjects = subjects
        self._replicas = replicas
        self._report = report
        self._backends = {device: backend_of(device) for device in subjects.devices}
        self._reads = Machine()
        self._lost = {each.key: each.error for each in plan.lost}
        self._after: Afterwards | None = None
        self._rows: tuple[BenchRow, ...] = ()
        """The last ones: what they were made of is freed."""
        self._warmup_s = 0.0
        self.candidates: list[Candidate] = []
        self.largest: tuple[LargestBatch, ...] = ()
        self.stopped = ""
        self.spent = Spent(load_s=load_s)

    def run(self, batches: Sequence[int], keep: Callable[[], None]) -> None:
        """All phases; `keep` hears when more is known than before. Interrupted before the first
        round is over, it raises `Interrupted`; later, what is known stays."""
        with self._timed("prepare_s"):
            if self._plan.crossover and not self._plan.batches:
                self._search()
            else:
                self._prepare(self._subjects.at(batches, self._backends))
            assemble.agree(self.candidates)
        with self._timed("rounds_s"):
            self.stopped = self._run_rounds(keep)
        if self.stopped != CANCELLED:
            with self._timed("after_s"), suppress(Interrupted):
                self._afterwards()
                if self._plan.largest_batch:
                    self._find_largest(keep)

    @property
    def rows(self) -> tuple[BenchRow, ...]:
        """As far as they are known."""
        return self._rows or assemble.rows(self.candidates, self._subjects, self._reads.fastest)

    def completed(self, result: BenchResult) -> BenchResult:
        """The result with what is known so far."""
        rows = self.rows
        return replace(
            result,
            rows=rows,
            stopped=self.stopped,
            crossovers=crossovers(rows),
            largest=self.largest,
            limits=self._after.limits if self._after else (),
            spent=self.spent,
        )

    def release(self) -> None:
        """Free what the configurations hold."""
        for each in self.candidates:
            each.release(self._replicas)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent = replace(self.spent, **{phase: time.perf_counter() - started})

    # Warm-up

    def _prepare(self, candidates: Sequence[Candidate], looks: int = 1) -> None:
        """A share of the time for each warm-up, where so many are to come; first calls take what
        they take."""
        self.candidates += candidates
        longest_s = WARMUP_SHARE * self._plan.max_time_s / (looks * len(candidates))
        for place, each in enumerate(candidates):
            if each.key in self._lost:
                each.error = self._lost[each.key]
                continue
            stage = f"warming up {each.key.device}, batch {each.key.batch}, {each.key.mode}"
            self._report(stage, None, self._progress(each.key, place, len(candidates)))
            each.prepare(self._replicas, self._subjects.build_s, self._subjects.threads, longest_s)
            self._warmup_s += each.warmup_s

    def _progress(self, key: Key, place: int, places: int) -> BenchProgress:
        left = max(0.0, self._plan.max_time_s - self._warmup_s)
        return BenchProgress(key=key, place=place, places=places, seconds_left=left)

    def _search(self) -> None:
        """Double the batch until it is seen who is faster at large ones; keep those around it."""
        looks: dict[int, list[Candidate]] = {}

        def look(batch: int) -> dict[str, float]:
            looks[batch] = self._subjects.at([batch], self._backends)
            self._prepare(looks[batch], MOST_BATCHES)
            return {
                f"{each.key.device} {each.key.mode}": each.contender.warmth.call_s
                for each in looks[batch]
                if each.contender is not None
            }

        def may_go_on() -> bool:
            slowest = max(
                each.contender.warmth.call_s for each in self.candidates if each.contender
            )
            left = SEARCH_SHARE * self._plan.max_time_s - self._warmup_s
            return 2 * slowest * LEAST_ROUNDS < left

        kept = search(look, may_go_on)
        for batch, candidates in looks.items():
            for each in candidates if batch not in kept else ():
                each.release(self._replicas)
        self.candidates = [each for batch in kept for each in looks[batch]]

    # Rounds

    def _run_rounds(self, keep: Callable[[], None]) -> str:
        """Why they ended."""
        by_contender = {id(each.contender): each for each in self.candidates if each.contender}

        def release(contender: Contender) -> None:
            candidate = by_contender[id(contender)]
            candidate.error = contender.error
            candidate.end_if_lost()
            candidate.release(self._replicas)

        left_s = self._plan.max_time_s - self._warmup_s - self._reserved_s
        most_s = 0.0 if self._plan.quick else ROUNDS_SHARE * left_s / ROUNDS
        rounds = Rounds(
            [each.contender for each in self.candidates if each.contender],
            Limits(
                rounds=QUICK_ROUNDS if self._plan.quick else ROUNDS,
                max_time_s=left_s,
                round_s=min(ROUND_S, most_s),
                apart_s=min(APART_S, most_s),
            ),
            failed=lambda contender, error: failure(error, "rounds"),
            tell=self._tell_round,
            reads=self._reads,
            random=Random(self._plan.seed),
            release=release,
            finished=keep,
        )
        try:
            return rounds.run()
        except Interrupted:
            if not rounds.done:
                raise
            return CANCELLED

    @property
    def _reserved_s(self) -> float:
        return min(AFTER_SHARE * self._plan.max_time_s, seconds_wanted(self.candidates))

    def _tell_round(self, progress: BenchProgress) -> None:
        done = progress.round + progress.place / progress.places
        self._report("timing", min(1.0, done / progress.rounds), progress)

    # Afterwards

    def _afterwards(self) -> None:
        ends = time.perf_counter() + self._reserved_s
        self._after = Afterwards(
            self.candidates,
            self._replicas,
            tell=lambda stage: self._report(stage, None),
            seconds_left=lambda: ends - time.perf_counter(),
        )
        self._after.run()

    def _find_largest(self, keep: Callable[[], None]) -> None:
        """Nothing else is to be held meanwhile, so the rows are made before."""
        self._rows = self.rows
        self.release()
        keep()
        found = largest_batches(
            self._subjects,
            self._backends,
            self._replicas,
            self._plan.memory_limit_bytes,
            tell=lambda stage: self._report(stage, None),
        )
        for each in found:
            self.largest = (*self.largest, each)
            keep()
