"""Header, tabs, panes and status: the state of the screen, and how it gets to the widgets."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckResult, Severity
from nninspect.protocol.records import Environment, Problem
from nninspect.text.plain import plain
from nninspect.ui import garbage
from nninspect.ui.hints import OPEN, key_spans
from nninspect.ui.look import Picture
from nninspect.ui.measures import times_of
from nninspect.ui.messages import Activity, Said
from nninspect.ui.spans import Paragraph
from nninspect.ui.stored import no_model, rows
from nninspect.ui.widgets.bench_pane import BenchPane
from nninspect.ui.widgets.doctor_pane import DoctorPane
from nninspect.ui.widgets.header_line import HeaderLine
from nninspect.ui.widgets.key_line import KeyLine
from nninspect.ui.widgets.layers_pane import LayersPane
from nninspect.ui.widgets.log_pane import LogPane
from nninspect.ui.widgets.status_line import StatusLine, activity_spans
from nninspect.ui.widgets.tab_line import TabLine
from nninspect.ui.widgets.weights_view import WeightsView

STARTING = "starting torch…"


class ShowingScreen(Screen[None]):
    """Each piece of state is a reactive; its watcher hands it to the widgets that show it."""

    AUTO_FOCUS = ""

    tab: reactive[str] = reactive("layers")
    environment: reactive[Environment | None] = reactive(None)
    picture: reactive[Picture | None] = reactive(None)
    stored: reactive[Checkpoint | None] = reactive(None)
    """The file of weights that is in view in place of a model."""
    result: reactive[BenchResult | None] = reactive(None)
    checked: reactive[CheckResult | None] = reactive(None)
    activity: reactive[Activity | None] = reactive(None)
    said: reactive[Said | None] = reactive(None)
    worker: reactive[str] = reactive(STARTING)

    def __init__(self) -> None:
        super().__init__()
        self._header = HeaderLine()
        self._tab_line = TabLine()
        self._layers = LayersPane(id="layers")
        self._bench = BenchPane(id="bench")
        self._doctor = DoctorPane(id="doctor")
        self._weights = WeightsView(id="weights")
        self._log = LogPane(id="log")
        self._status = StatusLine()

    @property
    def _panes(self) -> tuple[Widget, ...]:
        return self._layers, self._bench, self._doctor, self._weights, self._log

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._tab_line
        yield Container(*self._panes, id="tabs")
        yield self._status
        yield KeyLine()

    # state to widgets

    def watch_tab(self, tab: str) -> None:
        for pane in self._panes:
            pane.display = pane.id == tab
        self._tab_line.current = tab
        self._write_activity()
        self._tab_line.news -= {tab}
        self.set_focus(self._focus_of(tab))

    def _focus_of(self, tab: str) -> Widget | None:
        focus = {
            "layers": self._layers.layer_tree,
            "bench": self._bench.rows,
            "doctor": self._doctor.findings,
            "weights": self._weights.rows,
        }
        return focus.get(tab, self._log.view)

    def watch_environment(self, environment: Environment | None) -> None:
        self._header.environment = environment

    def watch_picture(self, picture: Picture | None) -> None:
        self._header.inspection = picture.inspection if picture else None
        self._layers.picture = picture
        self._weights.tensors = None
        self._write_activity()
        self.refresh_bindings()
        if picture is not None:
            self.call_after_refresh(garbage.keep_what_is_here)

    def watch_stored(self, stored: Checkpoint | None) -> None:
        problem = None if stored is None else no_model(stored)
        self._header.stored = stored
        self._weights.tensors = None if stored is None else rows(stored)
        self._bench.problem = self._doctor.problem = problem
        self._layers.show_problem(problem)

    def watch_result(self, result: BenchResult | None) -> None:
        self._bench.result = result
        self._layers.layer_tree.times = times_of(result)

    def watch_checked(self, checked: CheckResult | None) -> None:
        self._doctor.problem = None
        self._doctor.result = checked
        self._layers.show_findings(checked.findings if checked else ())
        self._tab_line.found = (
            0
            if checked is None
            else sum(each.severity > Severity.INFO for each in checked.findings)
        )

    def watch_activity(self, before: Activity | None, activity: Activity | None) -> None:
        self._bench.activity = activity
        self._doctor.activity = activity
        self._write_activity()
        self._write_waiting()
        if (before is None) != (activity is None):
            self.refresh_bindings()

    def watch_said(self, said: Said | None) -> None:
        self._status.said = said

    def watch_worker(self, worker: str) -> None:
        self._status.worker = worker

    def _write_activity(self) -> None:
        """In the status line, but where the open tab shows it."""
        benching = self.activity is not None and self.activity.doing == "bench"
        checking = self.activity is not None and self.activity.doing == "check"
        waiting = self.picture is None and not benching and not checking
        shown = {"layers": waiting, "bench": benching, "doctor": checking}.get(self.tab, False)
        self._status.activity = None if shown else self.activity

    def _write_waiting(self) -> None:
        if self.picture is None:
            doing = activity_spans(self.activity) if self.activity else key_spans(self, OPEN)
            self._layers.waiting = (Paragraph(doing),)

    # what the screen says by itself

    def say_problem(self, problem: Problem, is_noticed: bool) -> None:
        """In full in the log; in short in the status line, but where a notice is in view."""
        if not (is_noticed and self.tab == "layers"):
            self.said = Said(problem.message.partition("\n")[0], bad=True)
        self.note("\n".join(filter(None, (problem.message, problem.hint, problem.details))))

    def note(self, text: str) -> None:
        """A line of our own in the log, told apart from what user code printed."""
        self._log.note(text)

    def complain(self, complaints: Sequence[str]) -> None:
        """What of the config can't be used: each in the log, the first in the status line."""
        for complaint in complaints:
            self.note(complaint)
        if complaints:
            more = f" (and {len(complaints) - 1} more, in the log)" if complaints[1:] else ""
            self.said = Said(complaints[0] + more, bad=True, stays=True)
            self.tell_news("log")

    def tell_news(self, tab: str) -> None:
        if tab != self.tab:
            self._tab_line.news |= {tab}

    def action_go(self, path: str) -> None:
        """To the layer at a path."""
        if self._layers.reveal(path):
            self.tab = "layers"
        else:
            self.said = Said(f"there is no layer {plain(path)} in the tree")

    def action_leave_page(self) -> None:
        """From a page back to the rows that it tells of."""
        self.set_focus(self._focus_of(self.tab))
