"""From which batch on one series overtakes another, and which batches are worth the rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from nninspect.protocol.bench import BenchRow, Compare
from nninspect.protocol.sweep import Crossover, Series

Winner: TypeAlias = Literal["this", "against", ""]

AROUND = 2
"""Batches on either side of where a first look sees the order change."""
MOST_BATCHES = 2 * AROUND + 1
LARGEST = 1 << 14
CLEARLY = 1.25
"""Times faster in a first look, which is of one warm-up and not paired."""
ENOUGH_CLEAR = 3
"""Successive batches with the same order: the larger ones have it, too."""


def crossovers(rows: Sequence[BenchRow]) -> tuple[Crossover, ...]:
    """Of every two series that were compared at two batch sizes or more; and again with the
    transfers in, where they were measured."""
    return tuple(
        found
        for with_transfers in (False, True)
        for pair, compared in _pairs(rows, with_transfers).items()
        if (found := crossover(*pair, compared, with_transfers)) is not None
    )


def crossover(
    this: Series, against: Series, compared: Mapping[int, Winner], with_transfers: bool = False
) -> Crossover | None:
    """Of who is faster at each batch size; None of fewer than two."""
    batches = sorted(compared)
    if len(batches) < 2:
        return None
    last = compared[batches[-1]]
    faster, slower = (against, this) if last == "against" else (this, against)
    first = _stays_from(batches, compared)
    before = [each for each in batches if first is None or each < first]
    lost = [each for each in before if compared[each] not in ("", last)]
    return Crossover(
        series=faster,
        over=slower,
        batch=first,
        slower_at=max(lost, default=None),
        checked=tuple(batches),
        with_transfers=with_transfers,
    )


def _stays_from(batches: Sequence[int], compared: Mapping[int, Winner]) -> int | None:
    """The first batch from which on the winner at the largest one wins at all."""
    last = compared[batches[-1]]
    first = None
    for batch in reversed(batches):
        if not last or compared[batch] != last:
            break
        first = batch
    return first


def _pairs(
    rows: Iterable[BenchRow], with_transfers: bool
) -> dict[tuple[Series, Series], dict[int, Winner]]:
    found: dict[tuple[Series, Series], dict[int, Winner]] = {}
    for row in rows:
        compare = row.compare_with_transfers if with_transfers else row.compare
        if compare is None or compare.ratio is None:
            continue
        key = row.key
        pair = (Series(key.device, key.mode), Series(compare.against.device, compare.against.mode))
        found.setdefault(pair, {})[key.batch] = _winner(compare)
    return found


def _winner(compare: Compare) -> Winner:
    return compare.winner


# Which batches to measure


def search(look: Callable[[int], Mapping[str, float]], may_go_on: Callable[[], bool]) -> list[int]:
    """Powers of two from 1 on, as far as it takes to see who is faster at large batches.

    `look` says what a call at a batch takes in each series that can run it, in seconds.
    """
    seen: dict[int, Mapping[str, float]] = {}
    batch = 1
    while batch <= LARGEST and (not seen or may_go_on()):
        seen[batch] = look(batch)
        if len(seen[batch]) < 2 or _is_settled(list(seen.values())):
            break
        batch *= 2
    return around({batch: fastest(times) for batch, times in seen.items() if times})


def fastest(times: Mapping[str, float]) -> str:
    """The series that is; "" where no other is clearly slower."""
    ordered = sorted(times, key=lambda name: times[name])
    if len(ordered) > 1 and times[ordered[1]] < CLEARLY * times[ordered[0]]:
        return ""
    return ordered[0]


def _is_settled(seen: Sequence[Mapping[str, float]]) -> bool:
    """The last few have the same winner, and another order was seen before; or they have it from
    the first on and the lead grows."""
    last = [fastest(times) for times in seen[-ENOUGH_CLEAR:]]
    if len(last) < ENOUGH_CLEAR or not last[0] or len(set(last)) > 1:
        return False
    if any(fastest(times) != last[0] for times in seen):
        return True
    leads = [_lead(times) for times in seen]
    return len(leads) > ENOUGH_CLEAR and leads == sorted(leads)


def _lead(times: Mapping[str, float]) -> float:
    first, second, *_ = sorted(times.values())
    return second / first


def around(winners: Mapping[int, str]) -> list[int]:
    """At most `MOST_BATCHES` of the batches: those around the last change of the winner; the first
    ones where it never changes, as the smallest is what is asked about."""
    batches = sorted(winners)
    places = [n for n in range(1, len(batches)) if winners[batches[n]] != winners[batches[n - 1]]]
    change = places[-1] if places else 0
    first = max(0, min(change - AROUND, len(batches) - MOST_BATCHES))
    return batches[first : first + MOST_BATCHES]


def doubled(most: int) -> Iterator[int]:
    """1, 2, 4 … as long as they are no more than that."""
    batch = 1
    while batch <= most:
        yield batch
        batch *= 2
