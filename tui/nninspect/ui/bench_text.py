"""A benchmark's rows as lines, and all of one row as paragraphs."""

from __future__ import annotations

from collections.abc import Iterator

from nninspect.history import report
from nninspect.history.against import Against
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.text import bench, headline, intervals, units
from nninspect.text.parts import parts
from nninspect.text.plain import plain
from nninspect.ui.spans import Paragraph, Span, pad, paragraph

GAP = "  "
LEFT = ("device", "mode", "verdict")
LABEL = 12
BAR = 8


def lines(result: BenchResult, width: int) -> tuple[tuple[Span, ...], tuple[tuple[Span, ...], ...]]:
    """The titles and a line a row, with the columns that fit, each as wide as its widest cell."""
    cells = [_short(bench.cells(row)) for row in result.rows]
    widths = _widths(cells, width)
    titles = (Span(_aligned(bench.COLUMNS, widths), "dim"),)
    rows = zip(result.rows, cells, strict=True)
    return titles, tuple((Span(_aligned(each, widths), _style(row)),) for row, each in rows)


def headline_of(result: BenchResult) -> tuple[Span, ...]:
    """What was timed, and on what."""
    dtypes = dict.fromkeys(row.config.dtype for row in result.rows)
    parts = (
        plain(result.setup.target),
        ", ".join(filter(None, dtypes)),
        f"{result.machine.threads} threads",
        plain(result.machine.cpu),
        *(plain(gpu.name) for gpu in result.machine.gpus),
    )
    return (Span(headline.SEPARATOR.join(filter(None, parts)), "dim"),)


def about(row: BenchRow) -> Iterator[Paragraph]:
    """All that is known of one row: its verdict first."""
    yield Paragraph((Span(bench.name(row.key), "strong"),))
    if row.error is not None:
        yield Paragraph((Span("✗ ", "bad"), Span(plain(row.error.message), "bad")), hang=2)
        if row.error.hint:
            yield Paragraph((Span("  "), Span(plain(row.error.hint))), hang=2)
    if row.quality is not None:
        style = "good" if row.quality.verdict == "trusted" else "warn"
        yield Paragraph((Span(row.quality.verdict, style),))
        for reason in row.quality.reasons:
            meaning = bench.REASONS.get(reason, "")
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
    for path, (name, share, own, _, _, bound) in bench.layer_cells(row.layers, most):
        bar = "█" * round(BAR * float(share.rstrip("%")) / 100)
        yield Paragraph(
            (
                Span(f"{share:>6} ", "strong"),
                Span(pad(bar, BAR), "accent"),
                Span(f" {own:>8} ", "dim"),
                Span(name) if path is None else Span(name, "link", f"screen.go({path!r})"),
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
        yield "speed-up", f"{said} over {bench.name(row.compare.against)}"
    if row.agreement is not None:
        agrees = "agrees with" if row.agreement.agrees else "differs from"
        error = f"{row.agreement.max_error:.1e}" if row.agreement.max_error is not None else "∞"
        yield "outputs", f"{agrees} {bench.name(row.agreement.against)}: error {error} of its scale"
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


def _short(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The verdict without its reasons: they stand below, for the row under the cursor."""
    return (*cells[:-1], cells[-1].partition(":")[0])


def _style(row: BenchRow) -> str:
    if row.error is not None:
        return "bad"
    return "" if row.quality is not None and row.quality.verdict == "trusted" else "warn"


def _widths(rows: list[tuple[str, ...]], room: int) -> dict[str, int]:
    """The columns that fit, each as wide as its widest cell."""
    widths = {
        title: max(len(title), *(len(cells[place]) for cells in rows), 0)
        for place, title in enumerate(bench.COLUMNS)
    }
    for title in (*bench.LEAST_WANTED, "mode"):
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) <= room:
            break
        del widths[title]
    return widths


def _aligned(cells: tuple[str, ...], widths: dict[str, int]) -> str:
    named = dict(zip(bench.COLUMNS, cells, strict=True))
    return GAP.join(
        pad(named[title], width, right=title not in LEFT) for title, width in widths.items()
    )
