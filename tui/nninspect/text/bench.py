"""A bench result as a table's cells; digits end at the interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nninspect.protocol.bench import BenchResult, BenchRow, Compare, Spent
from nninspect.protocol.bench_figures import LayerTimes
from nninspect.protocol.bench_plan import BenchProgress
from nninspect.text import units
from nninspect.text.intervals import between, interval, median, ratio, rounded
from nninspect.text.plain import plain
from nninspect.text.remarks import name

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

TEXTS = ("device", "mode", "verdict")
"""The columns that are no figures."""

LEAST_WANTED = ("p99", "p90", "first call", "floor", "peak memory", "n", "items/s", "interval")
"""The columns that go first where room is scarce, in that order."""

UNTOLD = (units.NONE, "inference")
"""Cells that go without saying."""

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


def fitted(
    rows: Sequence[BenchRow], room: int, *, gap: int = 2, reasons: bool = True
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Titles and cells of the columns that fit into so many letters, `gap` between columns. Where
    not all do, the reasons of the verdicts go first, then columns that tell nothing."""
    table = [dict(zip(COLUMNS, cells(row), strict=True)) for row in rows]
    widths = _widths(table)
    if not reasons or _width(widths, gap) > room:
        for each in table:
            each["verdict"] = each["verdict"].partition(":")[0]
        widths = _widths(table)
    by_worth = (*LEAST_WANTED, "mode")
    tells = {title: any(row[title] not in UNTOLD for row in table) for title in by_worth}
    for title in sorted(by_worth, key=tells.__getitem__):
        if _width(widths, gap) <= room:
            break
        del widths[title]
    return list(widths), [tuple(each[title] for title in widths) for each in table]


def _widths(table: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Of each column's widest cell."""
    return {each: max(len(each), *(len(row[each]) for row in table), 0) for each in COLUMNS}


def _width(widths: Mapping[str, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def verdict(row: BenchRow) -> str:
    """How far a row can be believed, and why not farther: "noisy: preempted, trend"."""
    if row.error is not None:
        names = {"OutOfMemory": "out of memory", "NotHere": "not here", "Died": "died"}
        return names.get(row.error.kind, "failed")
    if row.quality is None:
        return "not measured"
    return ": ".join(filter(None, (row.quality.verdict, ", ".join(row.quality.reasons))))


def speedup(compare: Compare | None) -> str:
    """ "12.3× (11.9–12.6)"; "≈" where neither is faster, "~" where it can't be relied on."""
    if compare is None:
        return units.NONE
    if compare.ratio is None:
        return "withheld"
    sign = "~" if compare.untrusted else "" if compare.winner else "≈"
    return f"{sign}{ratio(compare)}"


def progress(found: BenchProgress) -> str:
    """ "8 s left, round 3 of 10, cpu, batch 8"."""
    left = "" if found.seconds_left is None else f"{found.seconds_left:.0f} s left, "
    doing = f"round {found.round + 1} of {found.rounds}" if found.rounds else "warming up"
    return f"{left}{doing}, {name(found.key)}"


def latest(found: BenchProgress) -> str:
    """The figure of what was measured last: "2.31 ms (2.28–2.35 ms)"; "" where there is none."""
    if found.median_s is None or found.ci_low_s is None or found.ci_high_s is None:
        return ""
    low, high, middle = found.ci_low_s, found.ci_high_s, found.median_s
    told = f" ({between(low, high, middle)})" if high > low else ""
    return f"{rounded(middle, high - low)}{told}"


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


def ran_on(result: BenchResult) -> Iterator[str]:
    """What it ran on, as far as it bears on the figures."""
    machine = result.machine
    used = {row.key.device for row in result.rows}
    yield f"{units.counted(machine.threads, 'CPU thread')} on {plain(machine.cpu)}"
    for gpu in machine.gpus:
        if gpu.device in used:
            yield f"{gpu.device} {plain(gpu.name)}".rstrip()
    settings = {"TF32": machine.tf32, "cudnn.benchmark": machine.cudnn_benchmark}
    for setting, is_on in settings.items():
        if is_on is not None:
            yield f"{setting} {'on' if is_on else 'off'}"
    yield f"torch {plain(result.run.torch)}"


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
