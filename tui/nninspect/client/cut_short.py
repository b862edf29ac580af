"""A benchmark whose worker ended under it: what is known of it, and how it is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from nninspect.client import ending
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.bench_plan import BenchError, BenchPlan, BenchProgress, Key, Lost, Stage
from nninspect.protocol.records import Problem
from nninspect.text.remarks import name

SMALLER = "Use a smaller batch."


@dataclass
class Heard:
    """What a benchmark under way has told."""

    so_far: BenchResult | None = None
    """Of the rounds that are over."""
    at: BenchProgress | None = None
    """Which configuration is warmed up or timed; None while neither is."""
    stage: str = ""

    @property
    def key(self) -> Key | None:
        return None if self.at is None else self.at.key


def result(heard: Heard, problem: Problem | None) -> BenchResult | None:
    """What a benchmark comes to that ends here: died of the problem, or cancelled without one;
    None where no round is over."""
    if heard.so_far is None:
        return None
    if problem is None:
        return replace(heard.so_far, stopped="cancelled", cut_short=_still_at(heard))
    said = ending.died_in_forward(problem)
    return replace(
        heard.so_far,
        rows=tuple(_rows(heard, said)),
        stopped="died",
        cut_short=f"{said.message} {_place(heard)}",
    )


def again(plan: BenchPlan, heard: Heard, problem: Problem) -> BenchPlan | None:
    """The plan without the configuration that the worker died in before the first round was over;
    None where it was in none, or it is left out already."""
    key = heard.key
    if key is None or any(each.key == key for each in plan.lost):
        return None
    stage: Stage = "rounds" if heard.at and heard.at.rounds else "first call"
    lost = Lost(key, _error(ending.died_in_forward(problem), stage))
    return replace(plan, lost=(*plan.lost, lost))


def hung(heard: Heard) -> str:
    """What a cancelled benchmark without a round did not come back from; "" where nothing."""
    return "" if heard.key is None else _still_at(heard)


def unmeasured(heard: Heard) -> str:
    """Where a benchmark was that has nothing to show: "in the first calls of cpu, batch 8 …"."""
    where = f"{_place(heard)}, " if heard.at or heard.stage else ""
    return f"{where}before a round was over: nothing was measured"


def _still_at(heard: Heard) -> str:
    return f"it did not heed the cancel {_place(heard)}"


def _place(heard: Heard) -> str:
    """ "in round 3 of cpu, batch 8"; the stage where it was at no configuration."""
    if heard.at is None:
        return f"while {heard.stage}" if heard.stage else "at the end"
    of = name(heard.at.key)
    if heard.at.rounds:
        return f"in round {heard.at.round + 1} of {of}"
    return f"in the first calls of {of}"


def _rows(heard: Heard, problem: Problem) -> Iterator[BenchRow]:
    assert heard.so_far is not None
    for row in heard.so_far.rows:
        yield replace(row, error=_error(problem, "rounds")) if row.key == heard.key else row


def _hint(problem: Problem, stage: Stage) -> str:
    """The problem's own, but for one of memory: meta, as it says, times nothing."""
    if problem.hint:
        return SMALLER if "--batch" in problem.hint else problem.hint
    if stage == "rounds":
        return "The Log, or stderr, has what it wrote last."
    return (
        "Look at the model at this batch, on this device: where its first call does it, its tree "
        "ends at that layer."
    )


def _error(problem: Problem, stage: Stage) -> BenchError:
    return BenchError(
        kind="Died",
        message=problem.message,
        stage=stage,
        hint=_hint(problem, stage),
        details=problem.details,
    )
