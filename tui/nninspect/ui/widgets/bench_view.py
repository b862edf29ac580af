"""The bench: how far it is, then its devices side by side."""

from __future__ import annotations

from collections.abc import Iterator

from textual.events import Resize
from textual.reactive import reactive

from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.records import Problem
from nninspect.text import bench, headline
from nninspect.text.plain import plain
from nninspect.ui.messages import Activity
from nninspect.ui.spans import Paragraph, Span, pad, paragraph
from nninspect.ui.widgets.notice import problem_paragraphs
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.status_line import activity_spans

GAP = "  "
LEFT = ("device", "mode", "verdict")


class BenchView(Page, can_focus=True):
    """The last result stays in view while another bench runs, and when that one fails."""

    result: reactive[BenchResult | None] = reactive(None)
    activity: reactive[Activity | None] = reactive(None)
    problem: reactive[Problem | None] = reactive(None)

    def watch_result(self) -> None:
        self._write()

    def watch_activity(self) -> None:
        self._write()

    def watch_problem(self) -> None:
        self._write()

    def on_mount(self) -> None:
        self._write()

    def on_resize(self, event: Resize | None = None) -> None:
        self._write()
        super().on_resize()

    def _write(self) -> None:
        self.paragraphs = tuple(self._paragraphs())

    def _paragraphs(self) -> Iterator[Paragraph]:
        running = self.activity is not None and self.activity.doing == "bench"
        if running and self.activity is not None:
            yield Paragraph(
                (*activity_spans(self.activity), Span("  esc", "key"), Span(" cancels", "dim"))
            )
            yield Paragraph()
        if self.problem is not None:
            yield from problem_paragraphs(self.problem)
            yield Paragraph()
        if self.result is not None:
            yield from table(self.result, self.scrollable_content_region.width)
        elif not running and self.problem is None:
            yield Paragraph((Span("b", "key"), Span(" times the model on every device", "dim")))


def table(result: BenchResult, width: int) -> Iterator[Paragraph]:
    """What was timed, the rows in aligned columns, and what to know about them."""
    yield paragraph(_what(result), "dim")
    yield Paragraph()
    rows = [bench.cells(row) for row in result.rows]
    widths = _widths(rows, width)
    titles = Span(_aligned(bench.COLUMNS, widths).rstrip(), "dim")
    yield Paragraph((titles,), wraps=False)
    for row, cells in zip(result.rows, rows, strict=True):
        yield Paragraph(tuple(_row(row, _aligned(cells, widths))), wraps=False)
    yield Paragraph()
    for remark in bench.remarks(result):
        yield Paragraph((Span("• ", "warn"), Span(remark)), hang=2)


def _row(row: BenchRow, text: str) -> Iterator[Span]:
    trusted = row.quality is not None and row.quality.verdict == "trusted"
    yield Span(text.rstrip(), "bad" if row.error else "" if trusted else "warn")


def _what(result: BenchResult) -> str:
    dtypes = dict.fromkeys(row.config.dtype for row in result.rows)
    threads = f"{result.machine.threads} threads"
    parts = (plain(result.setup.target), ", ".join(filter(None, dtypes)), threads)
    return headline.SEPARATOR.join(filter(None, parts))


def _widths(rows: list[tuple[str, ...]], room: int) -> dict[str, int]:
    """The columns that fit, each as wide as its widest cell."""
    widths = {
        title: max(len(title), *(len(cells[place]) for cells in rows), 0)
        for place, title in enumerate(bench.COLUMNS)
    }
    for title in bench.LEAST_WANTED:
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) <= room:
            break
        del widths[title]
    return widths


def _aligned(cells: tuple[str, ...], widths: dict[str, int]) -> str:
    named = dict(zip(bench.COLUMNS, cells, strict=True))
    return GAP.join(
        pad(named[title], width, right=title not in LEFT) for title, width in widths.items()
    )
