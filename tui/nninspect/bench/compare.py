"""One configuration against another: the ratio in each round, its interval, and who is faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from nninspect.bench.estimate import interval
from nninspect.protocol.bench import BenchRow, Compare
from nninspect.protocol.bench_figures import Latency


def by_round(latency: Latency) -> Mapping[int, float]:
    """Seconds by the number of the round."""
    return {each.number: each.median_s for each in latency.kept}


def paired_ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Theirs over ours, in every round that both have: above 1 this one is faster."""
    return [theirs[number] / seconds for number, seconds in ours.items() if number in theirs]


def compare(
    row: BenchRow,
    against: BenchRow,
    ours: Mapping[int, float] | None = None,
    theirs: Mapping[int, float] | None = None,
) -> Compare:
    """The speed-up of a row over another, or why there is none. `ours` and `theirs`: what is
    compared, by round; the latencies where they are not given."""
    if row.latency is None or against.latency is None:
        failed = against if against.latency is None else row
        return _withheld(against, f"{_name(failed)} has no latency")
    if row.agreement is not None and not row.agreement.agrees:
        return _withheld(against, "the outputs do not agree, so it is not the same computation")
    ratios = paired_ratios(ours or by_round(row.latency), theirs or by_round(against.latency))
    if not ratios:
        return _withheld(against, "no round has both")
    found = interval(ratios)
    return Compare(
        against=against.key,
        ratio=median(ratios),
        ci_low=found.low,
        ci_high=found.high,
        n_pairs=len(ratios),
        untrusted=any(
            each.quality is None or each.quality.verdict == "untrusted" for each in (row, against)
        ),
    )


def baseline(row: BenchRow, rows: Sequence[BenchRow], work: dict[str, str]) -> BenchRow | None:
    """Which row to compare with; None for the first of its kind. `work` is each mode's.

    The first device at the same batch and mode; on that device itself, the plan's first mode at
    the same batch, if it does the same work.
    """
    config = row.config
    same_mode = [
        each
        for each in rows
        if (each.config.batch, each.config.mode) == (config.batch, config.mode)
    ]
    if same_mode and same_mode[0].config.device != config.device:
        return same_mode[0]
    same_work = [
        each
        for each in rows
        if (each.config.device, each.config.batch) == (config.device, config.batch)
        and work[each.config.mode] == work[config.mode]
    ]
    return same_work[0] if same_work and same_work[0].key != row.key else None


def _withheld(against: BenchRow, why: str) -> Compare:
    return Compare(against=against.key, withheld=why)


def _name(row: BenchRow) -> str:
    return f"{row.config.device} at batch {row.config.batch} ({row.config.mode})"
