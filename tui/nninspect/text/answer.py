"""What a benchmark was run for, first: which is faster, from which batch on, and how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from nninspect.protocol.bench import BenchResult, BenchRow, Compare
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.sweep import Crossover, Series
from nninspect.text import bench, intervals, sweep
from nninspect.text.plain import plain
from nninspect.text.remarks import REASONS

Pair: TypeAlias = tuple[Series, Series]
"""One series and what it was compared with."""

Compared: TypeAlias = tuple[BenchRow, BenchRow]
"""A row, and the one that it was compared with."""


def answers(result: BenchResult) -> Iterator[str]:
    """Which is faster, then the largest batch of each series."""
    yield from comparisons(result)
    yield from map(sweep.largest, result.largest)


def comparisons(result: BenchResult) -> Iterator[str]:
    """A sentence for every two series that were planned to be compared, and one more where it turns
    at another batch with transfers. One row alone has its latency."""
    pairs = _pairs(result.rows)
    for pair, rows in pairs.items():
        resident = _crossover(result.crossovers, pair, with_transfers=False)
        moved = _crossover(result.crossovers, pair, with_transfers=True)
        is_same = _turn(resident) == _turn(moved)
        yield _compared(pair, rows, resident, ", with transfers as well" if is_same else "")
        if moved is not None and moved.batch is not None and not is_same:
            yield sweep.crossover(moved)
    measured = [row for row in result.rows if row.latency is not None]
    if not pairs and len(measured) == 1:
        yield _alone(measured[0])


def _turn(found: Crossover | None) -> tuple[Series, int] | None:
    """Which is faster, and from which batch on."""
    return None if found is None or found.batch is None else (found.series, found.batch)


def _pairs(rows: Sequence[BenchRow]) -> dict[Pair, list[Compared]]:
    """Rows that have another to be compared with, each with that, by batch; by both series."""
    by_key = {row.key: row for row in rows}
    found: dict[Pair, list[Compared]] = {}
    for row in sorted(rows, key=lambda each: each.key.batch):
        if row.compare is not None and row.compare.against in by_key:
            against = row.compare.against
            found.setdefault((_series(row.key), _series(against)), []).append(
                (row, by_key[against])
            )
    order = [_series(key) for key in by_key]
    return dict(sorted(found.items(), key=lambda each: order.index(each[0][0])))


def _series(key: Key) -> Series:
    return Series(key.device, key.mode)


def _crossover(found: Sequence[Crossover], pair: Pair, *, with_transfers: bool) -> Crossover | None:
    return next(
        (
            each
            for each in found
            if {each.series, each.over} == set(pair) and each.with_transfers == with_transfers
        ),
        None,
    )


def _compared(pair: Pair, rows: list[Compared], crossover: Crossover | None, transfers: str) -> str:
    """Of one batch its ratio; of several where it turns, and the ratios of the smallest and of the
    largest that can be believed."""
    one, other, where = _names(pair)
    withheld = [_withheld(row) for row, _ in rows if row.compare and row.compare.ratio is None]
    rows = [each for each in rows if each[0].compare and each[0].compare.ratio is not None]
    if not rows:
        return f"{where}no speed-up of {one} over {other}: {withheld[0]}"
    believed = [row for row, against in rows if not _is_untrusted((row, against))]
    turn = f"{sweep.crossover(crossover)}{transfers}" if crossover and crossover.batch else ""
    ends = dict.fromkeys(_ratio(one, other, row) for row in (*believed[:1], *believed[-1:]))
    said = "; ".join(ends) or f"which of {one} and {other} is faster cannot be told"
    said = f"{turn}; {said}" if turn else f"{where}{said}"
    return f"{said} ({_sureness(rows)})"


def _names(pair: Pair) -> tuple[str, str, str]:
    """Both, and where: of one device their modes tell them apart."""
    one, other = pair
    if one.device == other.device:
        return one.mode, other.mode, f"on {one.device} "
    return sweep.series(one), sweep.series(other), ""


def _withheld(row: BenchRow) -> str:
    """How the row failed, or why it has no ratio."""
    if row.error is not None:
        return f"{bench.verdict(row)} at batch {row.key.batch:,}"
    return plain(row.compare.withheld) if row.compare is not None else ""


def _ratio(one: str, other: str, row: BenchRow) -> str:
    """ "cuda:0 is 12.3× (11.9–12.8) as fast as cpu at batch 8", the faster one first."""
    assert row.compare is not None
    found, at = row.compare, f"at batch {row.key.batch:,}"
    if found.winner == "against":
        one, other, found = other, one, _inverted(found)
    said = intervals.ratio(found)
    if found.winner:
        return f"{one} is {said} as fast as {other} {at}"
    return f"neither {one} nor {other} is shown to be faster {at}: {said}"


def _inverted(found: Compare) -> Compare:
    """The same from the other side."""
    assert found.ratio is not None
    assert found.ci_low is not None
    assert found.ci_high is not None
    return Compare(
        against=found.against,
        ratio=1 / found.ratio,
        ci_low=1 / found.ci_high,
        ci_high=1 / found.ci_low,
        n_pairs=found.n_pairs,
        untrusted=found.untrusted,
    )


def _sureness(rows: list[Compared]) -> str:
    """ "trusted", "noisy at batch 1, 8: preempted": the worst verdict, where, and mostly why."""
    for verdict in ("untrusted", "noisy"):
        found = [each for each in rows if verdict in map(_verdict, each)]
        if found:
            sizes = ", ".join(f"{row.key.batch:,}" for row, _ in found)
            where = f" at batch {sizes}" if len(found) < len(rows) else ""
            return f"{verdict}{where}: {_mostly([row for each in found for row in each])}"
    return "trusted"


def _mostly(rows: Sequence[BenchRow]) -> str:
    """The reason that most of the rows give; the gravest where several are as frequent."""
    given = Counter(why for row in rows if row.quality for why in row.quality.reasons)
    return max(REASONS, key=lambda why: given[why])


def _is_untrusted(compared: Compared) -> bool:
    return "untrusted" in map(_verdict, compared)


def _verdict(row: BenchRow) -> str:
    return "untrusted" if row.quality is None else row.quality.verdict


def _alone(row: BenchRow) -> str:
    assert row.latency is not None
    p50, interval = intervals.median(row.latency), intervals.interval(row.latency)
    who, at = sweep.series(_series(row.key)), f"at batch {row.key.batch:,}"
    return f"{who} takes {p50} ({interval}) {at} ({_sureness([(row, row)])})"
