"""A benchmark's rows as lines, and all of one row as paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nninspect.history import report
from nninspect.history.against import Against
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.bench_plan import BenchProgress, Key
from nninspect.text import bench, headline, intervals, units
from nninspect.text.parts import parts
from nninspect.text.plain import plain
from nninspect.text.remarks import REASONS, name
from nninspect.ui.spans import Paragraph, Span, pad, paragraph

GAP = "  "
LABEL = 12
BAR = 8


def lines(result: BenchResult, width: int) -> tuple[tuple[Span, ...], tuple[tuple[Span, ...], ...]]:
    """The titles and a line a row, with the columns that fit, each as wide as its widest cell."""
    titles, cells = bench.fitted(result.rows, width, reasons=False)
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    rows = zip(result.rows, cells, strict=True)
    return (Span(_aligned(titles, titles, widths), "dim"),), tuple(
        (Span(_aligned(titles, each, widths), _style(row)),) for row, each in rows
    )


def headline_of(result: BenchResult) -> tuple[Span, ...]:
    """What was timed, and on what."""
    dtypes = dict.fromkeys(row.config.dtype for row in result.rows)
    parts = (
        plain(result.setup.target),
        ", ".join(filter(None, dtypes)),
        *bench.ran_on(result),
    )
    return (Span(headline.SEPARATOR.join(filter(None, parts)), "dim"),)


def about(row: BenchRow) -> Iterator[Paragraph]:
    """All that is known of one row: its verdict first."""
    yield Paragraph((Span(name(row.key), "strong"),))
    if row.error is not None:
        yield Paragraph((Span("✗ ", "bad"), Span(plain(row.error.message), "bad")), hang=2)
        if row.error.hint:
            yield Paragraph((Span("  "), Span(plain(row.error.hint))), hang=2)
    if row.quality is not None:
        style = "good" if row.quality.verdict == "trusted" else "warn"
        yield Paragraph((Span(row.quality.verdict, style),))
        for reason in row.quality.reasons:
            meaning = REASONS.get(reason, "")
            yield Paragraph((Span("• ", "warn"), Span(f"{reason}: {meaning}".rstrip(": "))), hang=2)
    yield Paragraph()
    for label, value in _facts(row):
        yield Paragraph((Span(f"{label:{LABEL}}", "dim"), Span(value)), hang=LABEL)


def beside(compared: Against) -> Iterator[Paragraph]:
    """This run against the one before it of the same model."""
    yield Paragraph()
    yield paragraph("against the run before", "dim")
    for line in report.lines(compared):
        yield Paragraph((Span("• ", "dim"), Span(line)), hang=2)


def layers(row: BenchRow, most: int) -> Iterator[Paragraph]:
    """Where the time of a row goes, the most expensive first."""
    if row.layers is None:
        return
    yield Paragraph()
    over = f"{row.layers.instrumented_over_plain:.2f}× of the plain run"
    yield paragraph(f"own time of each layer, measured at {over}", "dim")
    for path, (layer, share, own, _, _, bound) in bench.layer_cells(row.layers, most):
        bar = "█" * round(BAR * float(share.rstrip("%")) / 100)
        yield Paragraph(
            (
                Span(f"{share:>6} ", "strong"),
                Span(pad(bar, BAR), "accent"),
                Span(f" {own:>8} ", "dim"),
                Span(layer) if path is None else Span(layer, "link", f"screen.go({path!r})"),
                Span(f" {bound}", "dim"),
            ),
            wraps=False,
        )


def _facts(row: BenchRow) -> Iterator[tuple[str, str]]:
    if row.latency is not None:
        found = row.latency
        yield "p50", f"{intervals.median(found)} ({intervals.interval(found)}), {found.ci_method}"
        yield "floor", units.seconds(found.floor_s)
        calls = "" if found.calls_per_sample == 1 else f", means of {found.calls_per_sample} calls"
        yield "calls", f"{units.count(found.n_calls)}{calls}, {found.warmup_calls} to warm up"
    if row.throughput is not None:
        low, high = (units.short_count(v) for v in (row.throughput.ci_low, row.throughput.ci_high))
        yield "items/s", f"{low}–{high}, {row.throughput.mode}"
    if row.compare is not None:
        said = bench.speedup(row.compare) if row.compare.ratio else plain(row.compare.withheld)
        yield "speed-up", f"{said} over {name(row.compare.against)}"
    if row.agreement is not None:
        agrees = "agrees with" if row.agreement.agrees else "differs from"
        error = f"{row.agreement.max_error:.1e}" if row.agreement.max_error is not None else "∞"
        yield "outputs", f"{agrees} {name(row.agreement.against)}: error {error} of its scale"
    for part, p50, interval in parts(row):
        yield part, f"{p50} ({interval})"
    if row.cold is not None:
        cold = row.cold
        compiled = f", compile {units.seconds(cold.compile_s)}" if cold.compile_s else ""
        yield (
            "cold",
            f"build {units.seconds(cold.build_s)}, move {units.seconds(cold.to_device_s)}"
            f"{compiled}, first call {units.seconds(cold.first_call_s)}",
        )
    if row.memory is not None and row.memory.peak_allocated_bytes is not None:
        yield "peak memory", units.size(row.memory.peak_allocated_bytes)
    if row.work is not None:
        yield "work", bench.work(row)
    for label in row.labels:
        yield "note", plain(label)


def _style(row: BenchRow) -> str:
    if row.error is not None:
        return "bad"
    return "" if row.quality is not None and row.quality.verdict == "trusted" else "warn"


def _aligned(titles: Sequence[str], cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(
        pad(cell, width, right=title not in bench.TEXTS)
        for title, cell, width in zip(titles, cells, widths, strict=True)
    )


def live(latest: Mapping[Key, BenchProgress]) -> Iterator[Paragraph]:
    """What was measured so far of a benchmark under way, a line a row."""
    width = max((len(name(key)) for key in latest), default=0)
    for key in sorted(latest, key=lambda each: (each.device, each.mode, each.batch)):
        found = latest[key]
        figure = (Span(f"{name(key):{width}}  "), Span(bench.latest(found), "strong"))
        yield Paragraph(figure, wraps=False)
