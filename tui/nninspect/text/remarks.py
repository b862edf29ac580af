"""What to know before trusting a bench table, a sentence each; what holds of many rows, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from nninspect.protocol.bench import Agreement, BenchResult, BenchRow
from nninspect.protocol.bench_plan import LEAST_ROUNDS, Key
from nninspect.text import units
from nninspect.text.plain import plain

REASONS = {
    "too few rounds": "too few rounds were finished for an interval of 95 %",
    "wide interval": "the rounds differ by more than 2 % of their median",
    "preempted": "other programs took the cores for more than 1 % of the time",
    "over quota": "the CPU quota of the container or control group ran out during the rounds",
    "shared core": "a fixed loop beside the rounds ran over 6 % slower than at best: the core is "
    "shared, or its clock changes",
    "throttled": "the device lowered its clock, for heat or power",
    "trend": "the last rounds differ from the first by more than 3 %",
    "bimodal": "the calls fall into two speeds",
    "far above the floor": "the median is over 10 % above the fastest calls",
}
"""Why a row is not trusted, by the reason in its quality."""

BOUNDS = {
    "launch-bound": "launching the call takes most of its time; a larger batch, compile or "
    "cudagraph make more of the device",
    "transfer-bound": "sending the inputs takes as long as computing or longer",
}
"""What holds an accelerator up, by its name in the row."""


def remarks(result: BenchResult) -> Iterator[str]:
    """In the order of weight: what is missing, what failed, what ran otherwise, what the verdicts'
    reasons mean."""
    if result.missing:
        yield plain(result.missing)
    machine = result.machine
    if machine.quota_cores is not None and machine.quota_cores < machine.cores_visible:
        quota, cores = f"{machine.quota_cores:.3g}", machine.cores_visible
        yield f"A CPU quota lets this process have {quota} of the machine's {cores} cores."
    if result.stopped in ("cancelled", "died"):
        how = f", as {plain(result.cut_short)}" if result.cut_short else ""
        kept = "the figures are of the rounds that were finished"
        yield f"{result.stopped.capitalize()}{how}: {kept}."
    for of_row in (_failed, _withheld, _notes):
        for said, keys in _by_text(result.rows, of_row).items():
            yield f"{names(keys)}: {said}"
    yield from _reasons(result)
    if any(row.compare is not None and row.compare.untrusted for row in result.rows):
        yield "~ beside a speed-up: a row of it can't be trusted, so neither is called faster"


def _by_text(
    rows: Sequence[BenchRow], of_row: Callable[[BenchRow], Iterator[str]]
) -> dict[str, list[Key]]:
    """What is said of rows, with those that it is said of."""
    found: dict[str, list[Key]] = {}
    for row in rows:
        for said in of_row(row):
            found.setdefault(said, []).append(row.key)
    return found


def _failed(row: BenchRow) -> Iterator[str]:
    if row.error is not None:
        hint = f". {plain(row.error.hint)}" if row.error.hint else ""
        yield f"{plain(row.error.message).rstrip('.')}{hint}"


def _withheld(row: BenchRow) -> Iterator[str]:
    """A row that failed has said why."""
    if row.agreement is not None and not row.agreement.agrees:
        yield disagreement(row.agreement)
    if row.error is None and row.compare is not None and row.compare.withheld:
        yield f"no speed-up, as {plain(row.compare.withheld)}"


def _notes(row: BenchRow) -> Iterator[str]:
    yield from map(plain, row.labels)
    for bound in row.accelerator.bounds if row.accelerator is not None else ():
        yield f"{bound}: {BOUNDS[bound]}"
    if row.latency is not None and row.latency.calls_per_sample > 1:
        yield "too short to be timed call by call: p50, floor and tails are of means of blocks"


def _reasons(result: BenchResult) -> Iterator[str]:
    """Each reason that a verdict has, the rows with it, what it means and what would help."""
    for reason, meaning in REASONS.items():
        keys = [r.key for r in result.rows if r.quality and reason in r.quality.reasons]
        if keys:
            of = "" if len(keys) == len(result.rows) else f" ({names(keys)})"
            help_ = _time_wanted(result) if reason == "too few rounds" else ""
            yield f"{reason}{of}: {meaning}{help_}"


def _time_wanted(result: BenchResult) -> str:
    """What as many more rounds as are missing would take, by those that were measured."""
    done = max((len(row.latency.kept) for row in result.rows if row.latency), default=0)
    if result.spent is None or not done or result.stopped in ("cancelled", "died"):
        return ""
    more = max(1.0, (LEAST_ROUNDS - done) * result.spent.rounds_s / done)
    return f": give it {more:.0f} s more, or fewer rows"


def names(keys: Sequence[Key]) -> str:
    """ "cpu, batch 1, 8; cuda:0, batch 8, train"; inference goes without saying."""
    return "; ".join(
        f"{device}, batch {', '.join(str(each.batch) for each in group)}{_mode(mode)}"
        for (device, mode), group in groupby(keys, lambda each: (each.device, each.mode))
    )


def name(key: Key) -> str:
    """ "cuda:0, batch 8, float16"; inference goes without saying."""
    return names((key,))


def _mode(mode: str) -> str:
    return "" if mode == "inference" else f", {mode}"


def disagreement(found: Agreement) -> str:
    """How far the outputs are from those of the row that they were compared with."""
    error = "without bound" if found.max_error is None else f"{found.max_error:.1e}"
    return (
        f"its outputs differ from those of {name(found.against)}: the largest error over their"
        f" scale is {error}, the limit {found.limit:.0e}"
    )


def stopped(result: BenchResult) -> str:
    """How many rounds there were and why no more: "8 rounds until the time limit"."""
    rounds = max((len(row.latency.kept) for row in result.rows if row.latency), default=0)
    why = {
        "steady": ", enough for narrow intervals",
        "time limit": " until the time limit",
        "cancelled": " until it was cancelled",
        "died": " until the process died",
    }
    return f"{units.counted(rounds, 'round')}{why.get(result.stopped, '') if rounds else ''}"
