"""A bench result as a table's cells and the sentences below; digits end at the interval."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.protocol.bench import Agreement, BenchResult, BenchRow, Compare, Spent
from nninspect.protocol.bench_figures import LayerTimes
from nninspect.protocol.bench_plan import BenchProgress, Key
from nninspect.text import sweep, units
from nninspect.text.intervals import between, digits, interval, median, rounded
from nninspect.text.plain import plain

COLUMNS = (
    "device",
    "batch",
    "mode",
    "p50",
    "interval",
    "speed-up",
    "items/s",
    "peak memory",
    "n",
    "floor",
    "p90",
    "p99",
    "first call",
    "verdict",
)
"""The titles, in the order of `cells`."""

LEAST_WANTED = ("p99", "p90", "first call", "floor", "peak memory", "n", "items/s", "interval")
"""The columns that go first where room is scarce, in that order."""

REASONS = {
    "too few rounds": "too few rounds were finished for an interval of 95 %: give it more time",
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

LAYER_COLUMNS = ("own time of", "share", "own", "calls", "FLOP/s", "bound")
MOST_OVERHEAD = 1.10
"""Times the plain run: beyond it an instrumented run's milliseconds say little."""


def cells(row: BenchRow) -> tuple[str, ...]:
    """One row's cells; dashes where it has no latency."""
    config, found, first = row.config, row.latency, units.NONE
    if row.cold is not None:
        first = units.seconds(row.cold.first_call_s)
    named = (config.device, str(config.batch), config.mode)
    if found is None:
        return (*named, *(units.NONE,) * (len(COLUMNS) - 5), first, verdict(row))
    return (
        *named,
        median(found),
        interval(found),
        speedup(row.compare),
        _throughput(row),
        _memory(row),
        units.count(found.n_calls),
        units.seconds(found.floor_s),
        _tail(found.p90_s),
        _tail(found.p99_s),
        first,
        verdict(row),
    )


def verdict(row: BenchRow) -> str:
    """How far a row can be believed, and why not farther: "noisy: preempted, trend"."""
    if row.error is not None:
        names = {"OutOfMemory": "out of memory", "NotHere": "not here", "Died": "died"}
        return names.get(row.error.kind, "failed")
    if row.quality is None:
        return "not measured"
    return ": ".join(filter(None, (row.quality.verdict, ", ".join(row.quality.reasons))))


def name(key: Key) -> str:
    """ "cuda:0, batch 8, float16"; inference goes without saying."""
    mode = "" if key.mode == "inference" else f", {key.mode}"
    return f"{key.device}, batch {key.batch}{mode}"


def speedup(compare: Compare | None) -> str:
    """ "12.3× (11.9–12.6)"; "≈" where neither is faster, "~" where it can't be relied on."""
    if compare is None:
        return units.NONE
    if compare.ratio is None or compare.ci_low is None or compare.ci_high is None:
        return "withheld"
    width = compare.ci_high - compare.ci_low
    ratio, low, high = (
        digits(each, width, compare.ratio)
        for each in (compare.ratio, compare.ci_low, compare.ci_high)
    )
    sign = "~" if compare.untrusted else "" if compare.winner else "≈"
    return f"{sign}{ratio}×" + (f" ({low}–{high})" if compare.n_pairs != 1 else "")


def progress(found: BenchProgress) -> str:
    """ "8 s left, round 3 of 10, cpu, batch 8; cpu, batch 1 at 2.31 ms (2.28–2.35 ms)"."""
    left = "" if found.seconds_left is None else f"{found.seconds_left:.0f} s left, "
    doing = f"round {found.round + 1} of {found.rounds}" if found.rounds else "warming up"
    text = f"{left}{doing}, {name(found.key)}"
    if found.median_s is None or found.ci_low_s is None or found.ci_high_s is None:
        return text
    low, high, middle = found.ci_low_s, found.ci_high_s, found.median_s
    latest = f"{name(found.latest)} at " if found.latest else ""
    told = f" ({between(low, high, middle)})" if high > low else ""
    return f"{text}; {latest}{rounded(middle, high - low)}{told}"


def answers(result: BenchResult) -> Iterator[str]:
    """What it found over batch sizes, a sentence each."""
    yield from map(sweep.crossover, result.crossovers)
    yield from map(sweep.largest, result.largest)


def remarks(result: BenchResult) -> Iterator[str]:
    """What to know before trusting the table, a sentence each."""
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
    for row in result.rows:
        yield from _of_row(row)
    seen = {why for row in result.rows if row.quality for why in row.quality.reasons}
    for reason, meaning in REASONS.items():
        if reason in seen:
            yield f"{reason}: {meaning}"
    if any(row.compare is not None and row.compare.untrusted for row in result.rows):
        yield "A speed-up with ~ has a row that can't be trusted, so neither is called faster."


def _of_row(row: BenchRow) -> Iterator[str]:
    who = name(row.key)
    if row.error is not None:
        yield f"{who}: {plain(row.error.message)}"
        if row.error.hint:
            yield plain(row.error.hint)
    for label in row.labels:
        yield f"{who}: {plain(label)}"
    if row.agreement is not None and not row.agreement.agrees:
        yield f"{who}: {disagreement(row.agreement)}"
    if row.accelerator is not None and row.accelerator.bounds:
        yield f"{who}: {', '.join(row.accelerator.bounds)}"
    if row.compare is not None and row.compare.withheld:
        yield f"{who}: no speed-up, as {plain(row.compare.withheld)}"


def disagreement(found: Agreement) -> str:
    """How far the outputs are from those of the row that they were compared with."""
    error = "without bound" if found.max_error is None else f"{found.max_error:.1e}"
    return (
        f"its outputs differ from those of {name(found.against)}: the largest error over their"
        f" scale is {error}, the limit {found.limit:.0e}"
    )


def _throughput(row: BenchRow) -> str:
    """Items a second to the digits of its interval, three at most."""
    if row.throughput is None:
        return units.NONE
    return units.short_count(float(f"{row.throughput.items_per_s:.3g}"))


def _memory(row: BenchRow) -> str:
    memory = row.memory
    if memory is None or memory.peak_allocated_bytes is None:
        return units.NONE
    return units.size(memory.peak_allocated_bytes)


def _tail(seconds: float | None) -> str:
    return units.NONE if seconds is None else units.seconds(seconds)


def _rate(flops: int | None, seconds: float) -> str:
    """Three digits; nothing of what computes no products."""
    return f"{units.short_count(flops / seconds)}" if flops and seconds > 0 else units.NONE


def work(row: BenchRow) -> str:
    """ "53.3 M FLOP an iteration, 58.3 G a second, compute-bound"; "" where it was not counted."""
    found = row.work
    if found is None:
        return ""
    flops, rate = units.short_count(found.flops), units.short_count(found.achieved_flops_per_s)
    parts = [f"{flops} FLOP an iteration", f"{rate} a second"]
    if found.bound:
        parts.append(found.bound)
    if found.uncounted_ops:
        parts.append(f"without {', '.join(map(plain, found.uncounted_ops))}")
    return ", ".join(parts)


def took(spent: Spent | None) -> str:
    """ "took 34 s (2 s to load, 5 s to warm up, 24 s of rounds, 3 s after them)"."""
    if spent is None:
        return ""
    parts = {
        "to load": spent.load_s,
        "to warm up": spent.prepare_s,
        "of rounds": spent.rounds_s,
        "after them": spent.after_s,
    }
    told = ", ".join(f"{each:.0f} s {what}" for what, each in parts.items() if each >= 0.5)
    return f"took {sum(parts.values()):.0f} s" + (f" ({told})" if told else "")


def layer_cells(times: LayerTimes, most: int) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """The layers with the most time of their own, each one's path before its cells: name, share,
    own time, calls, what it computes a second and what bounds it. Last, without a path, those left
    out and what no module took. Where watching cost over a tenth, a share is all that can be
    said."""
    whole = sum(each.self_s for each in times.layers) + times.unattributed_s
    is_close = times.instrumented_over_plain <= MOST_OVERHEAD

    def cells(name: str, own_s: float, calls: str = "", *more: str) -> tuple[str, ...]:
        own = units.seconds(own_s) if is_close else units.NONE
        return name, units.percent(own_s, whole), own, calls, *(more or ("", ""))

    ordered = sorted(times.layers, key=lambda each: -each.self_s)
    for each in ordered[:most]:
        rate = _rate(each.flops, each.self_s) if is_close else units.NONE
        name, bound = plain(each.path) or "(the model itself)", each.bound.removesuffix("-bound")
        yield each.path, cells(name, each.self_s, f"{each.calls}", rate, bound)
    if rest := ordered[most:]:
        yield None, cells(f"({len(rest)} more)", sum(each.self_s for each in rest))
    yield None, cells("(outside the model)", times.unattributed_s)
