"""The Bench tab: every configuration, all of the one under the cursor, and charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.reactive import reactive

from nninspect.export.bench_charts import charts
from nninspect.history.against import Against
from nninspect.protocol.bench import BenchResult, BenchRow
from nninspect.protocol.records import Problem
from nninspect.text.answer import comparisons
from nninspect.text.remarks import remarks
from nninspect.text.sweep import largest
from nninspect.ui.bench_text import about, beside, headline_of, layers, lines, live
from nninspect.ui.hints import Hint, key_spans
from nninspect.ui.messages import Activity
from nninspect.ui.spans import Paragraph, Span
from nninspect.ui.widgets.chart_view import ChartView
from nninspect.ui.widgets.line import Line
from nninspect.ui.widgets.line_list import LineList
from nninspect.ui.widgets.link_page import LinkPage
from nninspect.ui.widgets.notice import problem_paragraphs
from nninspect.ui.widgets.page import Page
from nninspect.ui.widgets.status_line import activity_spans

if TYPE_CHECKING:
    from nninspect.ui.offers import Offer

ASK = (
    Hint("bench", "times the model on every device, "),
    Hint("bench.plan", "asks what to time"),
)
CANCEL = Hint("cancel", "cancels, and keeps the finished rounds")
POINTER = 2
MOST_LAYERS = 12


class BenchPane(Container):
    """The last result stays in view while another bench runs, and when that one fails."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "turn(1)", "next chart", id="bench.chart"),
        Binding("V", "turn(-1)", "chart before", show=False, id="bench.chart_before"),
    ]

    result: reactive[BenchResult | None] = reactive(None)
    compared: reactive[Against | None] = reactive(None)
    """The result against the run before it of the same model."""
    activity: reactive[Activity | None] = reactive(None)
    problem: reactive[Problem | None] = reactive(None)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-empty-bench")
        self._was_running = False
        self._line = Line()
        self._answers = Page(id="bench-answers")
        self.rows = LineList(id="bench-rows")
        self._about = LinkPage(id="bench-about")
        self._chart = ChartView(id="bench-chart")

    def compose(self) -> ComposeResult:
        yield self._line
        yield self._answers
        yield self.rows
        yield Container(self._about, self._chart, id="bench-body")

    def on_mount(self) -> None:
        self.watch(self.rows, "place", self._write_about, init=False)
        self._write_line()

    def on_resize(self) -> None:
        self._write_rows()

    def watch_result(self) -> None:
        self._chart.charts = charts(self.result) if self.result else ()
        self.set_class(self.result is None, "-empty-bench")
        self.set_class(not self._chart.charts, "-no-chart")
        self._answers.paragraphs = tuple(self._answered())
        self._write_rows()
        self._write_line()
        self._write_about()

    def watch_compared(self) -> None:
        self._write_about()

    def watch_activity(self) -> None:
        """While rounds run little is drawn: this line, and the figures that changed."""
        self._write_line()
        if self._is_running or self._was_running:
            self._was_running = self._is_running
            self._write_about()

    def watch_problem(self) -> None:
        self._write_about()

    def action_turn(self, places: int) -> None:
        """Where there is no room for both, the charts take turns with what is told of the row."""
        if not self.screen.has_class("-narrow"):
            self._chart.turn(places)
        elif not self.has_class("-charted"):
            self.add_class("-charted")
        elif self._chart.place + places in range(len(self._chart.charts)):
            self._chart.turn(places)
        else:
            self.remove_class("-charted")
            self._chart.place = 0

    def _write_line(self) -> None:
        if self.activity is not None and self._is_running:
            self._line.spans = activity_spans(self.activity)
        else:
            self._line.spans = headline_of(self.result) if self.result else key_spans(self, *ASK)

    def _write_rows(self) -> None:
        if self.result is not None and self.size.width:
            titles, rows = lines(self.result, self.size.width - POINTER - 2)
            self.rows.titles, self.rows.lines = titles, rows
            self.rows.styles.max_height = len(rows) + 1

    def _write_about(self) -> None:
        self._about.paragraphs = tuple(self._paragraphs())

    @property
    def _is_running(self) -> bool:
        return self.activity is not None and self.activity.doing == "bench"

    def _answered(self) -> Iterator[Paragraph]:
        for answer in comparisons(self.result) if self.result is not None else ():
            yield Paragraph((Span("• ", "good"), Span(answer, "strong")), hang=2)

    def _paragraphs(self) -> Iterator[Paragraph]:
        if self.activity is not None and self._is_running:
            yield Paragraph(key_spans(self, CANCEL))
            yield from live(self.activity.measured)
            yield Paragraph()
        elif self.problem is not None:
            yield from problem_paragraphs(self.problem)
            yield Paragraph()
        for found in self.result.largest if self.result is not None else ():
            yield Paragraph((Span("• ", "good"), Span(largest(found))), hang=2)
        row = self._current
        if row is not None:
            yield from about(row)
            yield from layers(row, MOST_LAYERS)
        if self.result is not None:
            yield Paragraph()
            for remark in remarks(self.result):
                yield Paragraph((Span("• ", "warn"), Span(remark)), hang=2)
        if self.compared is not None:
            yield from beside(self.compared)

    def offers(self) -> Iterator[Offer]:
        """What there is to copy of the row under the cursor."""
        from nninspect.ui import offers

        if (row := self._current) is not None:
            yield from offers.of_bench(row, self._about.paragraphs)

    @property
    def _current(self) -> BenchRow | None:
        place = self.rows.place
        return self.result.rows[place] if self.result and place < len(self.result.rows) else None
