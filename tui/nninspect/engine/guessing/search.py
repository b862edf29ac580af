"""Trying guesses and what follows from their refusals, until one runs or time is up."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from nninspect.engine.guessing.attempt import Refusal
from nninspect.engine.guessing.known import Guess
from nninspect.engine.guessing.refine import refine
from nninspect.engine.guessing.specs import Specs
from nninspect.text.inputs import format_input

MAX_TRIES = 40
MAX_SECONDS = 6.0
"""Of trying; the last try may run over."""

MAX_TOLD = 3
MAX_LISTED = 6
"""Tries that are told of: those before the input that runs, or those in vain."""

MAX_EARLY = 4
"""Guesses of different kinds that are tried before any is corrected."""

FIRST = 2**30
"""Before whatever came so many calls far."""

Attempt: TypeAlias = Callable[[Specs], Refusal | None]
Prepare: TypeAlias = Callable[[Specs], Specs]
"""At the batch and the dtype that were asked for."""
Complete: TypeAlias = Callable[[Specs, Sequence[str]], Specs]
"""The specs, and one for each of these arguments."""


@dataclass(frozen=True)
class Found:
    """The input, and how it was found, a sentence's end."""

    specs: Specs
    source: str
    runs: bool
    is_the_same_for_all: bool = False
    """Several were refused, all in the same words: the input is not at fault."""


@dataclass(order=True)
class _Waiting:
    """What is to be tried: first what came furthest, then what is likeliest."""

    rank: tuple[int, float, int]
    specs: Specs = field(compare=False)
    tried: tuple[tuple[Specs, Refusal], ...] = field(compare=False)


class Search:
    """One search; `attempt` is called at most MAX_TRIES times."""

    def __init__(self, attempt: Attempt, prepare: Prepare, complete: Complete) -> None:
        self._attempt, self._prepare, self._complete = attempt, prepare, complete
        self._tried: set[Specs] = set()
        self._count = 0
        self._heap: list[_Waiting] = []
        self._refused: list[tuple[Specs, Refusal]] = []

    def find(self, guess: Guess) -> Found:
        """The first input that runs, else the one that came furthest."""
        kinds: set[tuple[tuple[int, str], ...]] = set()
        for place, specs in enumerate(guess.candidates):
            kind = tuple((len(spec.shape), spec.dtype) for spec in specs)
            is_early = kind not in kinds and len(kinds) < MAX_EARLY
            kinds.add(kind)
            self._add(specs, FIRST if is_early else 0, 3.0 * place, ())
        until = time.monotonic() + MAX_SECONDS
        while self._heap and len(self._refused) < MAX_TRIES and time.monotonic() < until:
            waiting = heapq.heappop(self._heap)
            if waiting.specs in self._tried:
                continue
            self._tried.add(waiting.specs)
            refusal = self._attempt(waiting.specs)
            if refusal is None:
                return Found(waiting.specs, self._how(guess, waiting.specs), runs=True)
            self._refused.append((waiting.specs, refusal))
            if refusal.is_final:
                return Found(waiting.specs, guess.source, runs=False)
            self._follow(waiting, refusal)
        return self._furthest(guess)

    def _follow(self, waiting: _Waiting, refusal: Refusal) -> None:
        tried = (*waiting.tried, (waiting.specs, refusal))
        cost = waiting.rank[1] + 1
        for count in range(1, min(len(refusal.unset), 3) + 1):
            completed = self._complete(waiting.specs, refusal.unset[:count])
            self._add(completed, refusal.done, cost - 1 / (count + 1), tried)
        for place, better in enumerate(refine(tried)):
            self._add(better, refusal.done, cost + place / 2, tried)

    def _add(
        self, specs: Specs, done: int, cost: float, tried: tuple[tuple[Specs, Refusal], ...]
    ) -> None:
        specs = self._prepare(specs)
        if specs not in self._tried:
            self._count += 1
            rank = (-done, cost, self._count)
            heapq.heappush(self._heap, _Waiting(rank, specs, tried))

    def _how(self, guess: Guess, found: Specs) -> str:
        """With what was tried before, as far as a line holds it."""
        if not found or not self._refused:
            return guess.source if found else NO_INPUT
        count = len(self._refused)
        tries = "a failed try" if count == 1 else f"{count} failed tries"
        told = "; ".join(f"{_typed(one)} gave {no.title}" for one, no in self._refused[:MAX_TOLD])
        more = "; …" if count > MAX_TOLD else ""
        return f"{guess.source}; changed after {tries}: {told}{more}"

    def _furthest(self, guess: Guess) -> Found:
        if not self._refused:
            return Found(self._prepare(guess.candidates[0]), guess.source, runs=False)
        specs, _ = max(self._refused, key=lambda pair: pair[1].done)
        tries = len(self._refused)
        others = ", ".join(_typed(one) for one, _ in self._refused[:MAX_LISTED])
        more = ", …" if tries > MAX_LISTED else ""
        said = f"none of {tries} guesses ran: {others}{more}" if tries > 1 else "it did not run"
        is_same = tries > 1 and len({(no.title, no.done) for _, no in self._refused}) == 1
        return Found(specs, f"{guess.source}; {said}", False, is_same)


def _typed(specs: Specs) -> str:
    return " ".join(map(format_input, specs)) or "none"


NO_INPUT = "forward needs no input"
