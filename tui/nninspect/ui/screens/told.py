"""What the session tells, kept as state, and handed to the widgets."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from nninspect.client.api import Client
from nninspect.errors import NninspectError, WorkerError, by_name
from nninspect.protocol.bench import BenchPlan, BenchResult
from nninspect.protocol.findings import CheckResult, Severity
from nninspect.protocol.records import Environment, Problem, Setup
from nninspect.recent import Recent, default_file
from nninspect.text import units
from nninspect.text.plain import plain
from nninspect.ui import messages
from nninspect.ui.measures import times_of
from nninspect.ui.messages import Activity, Picture, Said
from nninspect.ui.session import Session
from nninspect.ui.spans import Paragraph, key_hint
from nninspect.ui.watch import LOOK_SECONDS, FileWatch, files_of
from nninspect.ui.widgets.bench_pane import BenchPane
from nninspect.ui.widgets.doctor_pane import DoctorPane
from nninspect.ui.widgets.header_line import HeaderLine
from nninspect.ui.widgets.key_line import KeyLine
from nninspect.ui.widgets.layers_pane import DEAD_KEYS, LayersPane
from nninspect.ui.widgets.log_pane import LogPane
from nninspect.ui.widgets.status_line import StatusLine, activity_spans
from nninspect.ui.widgets.tab_line import TabLine
from nninspect.ui.widgets.weights_view import WeightsView

if TYPE_CHECKING:
    from nninspect.ui.choices import Choice

STARTING = "starting torch…"
STOPPED = "worker stopped"
NOT_SAID = "as the model card says, or not known"
OPEN_HINT = key_hint("o", "opens a model")


class ToldScreen(Screen[None]):
    """Header, tabs, the open tab, status and keys; what they show, but for the keys pressed."""

    AUTO_FOCUS = ""

    tab: reactive[str] = reactive("layers")
    environment: reactive[Environment | None] = reactive(None)
    picture: reactive[Picture | None] = reactive(None)
    result: reactive[BenchResult | None] = reactive(None)
    checked: reactive[CheckResult | None] = reactive(None)
    activity: reactive[Activity | None] = reactive(None)
    said: reactive[Said | None] = reactive(None)
    worker: reactive[str] = reactive(STARTING)

    watching: reactive[bool] = reactive(False)
    """Whether a saved file is read again at once."""

    def __init__(self, client: Client, setup: Setup | None, watching: bool = False) -> None:
        super().__init__()
        self.set_reactive(ToldScreen.watching, watching)
        self._watch = FileWatch()
        self._is_stale = False
        self.session = Session(client, self.post_message)
        self._first_setup = setup
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

    @cached_property
    def _recent(self) -> Recent:
        """What was opened before; made when it is first asked for."""
        return Recent(default_file(), Path.cwd())

    async def begin(self) -> None:
        """Start the worker and look at what was asked for, or ask what to look at."""
        if self._first_setup is None:
            self.ask_target()
        self.set_interval(LOOK_SECONDS, self._look_at_files)
        await self.session.start()
        if self._first_setup is not None:
            self.session.open(self._first_setup)

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
        gc.freeze()

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
            doing = activity_spans(self.activity) if self.activity else OPEN_HINT
            self._layers.waiting = (Paragraph(doing),)

    # what the session tells

    @on(messages.WorkerStarting)
    def _starting(self, event: messages.WorkerStarting) -> None:
        if self.worker == STOPPED:
            self._layers.show_problem(None)
        self.worker = STARTING
        self.note(f"worker started, process {event.pid}")

    @on(messages.WorkerReady)
    def _ready(self, event: messages.WorkerReady) -> None:
        self.environment = found = event.environment
        self.worker = f"torch {plain(found.torch)} on {plain(found.host)}"
        devices = ", ".join(device.name for device in found.devices)
        self.note(f"worker ready: torch {found.torch}, Python {found.python}, {devices}")

    @on(messages.WorkerEnded)
    def _ended(self, event: messages.WorkerEnded) -> None:
        self._show_worker_gone(event.problem)

    @on(messages.Progressed)
    def _progressed(self, event: messages.Progressed) -> None:
        begins = event.activity is not None and self.activity is None
        if begins and not (self.said and self.said.stays):
            self.said = None
        if event.activity is None:
            self._log.flush()
        self.activity = event.activity

    @on(messages.Pictured)
    def _pictured(self, event: messages.Pictured) -> None:
        self.picture = event.picture
        inspection = event.picture.inspection
        if inspection.failure is not None:
            self._say_problem(inspection.failure, is_noticed=True)
        elif event.doing == "move":
            self.said = Said(f"now on {inspection.setup.device}")
        elif event.doing == "reload":
            self.said = Said(self._reloaded(event.changed))
        self._look_at_files()
        self._check_again(event)
        if event.doing in ("open", "change"):
            self.run_worker(self._remember(inspection.setup))

    async def _remember(self, setup: Setup) -> None:
        """For the picker to offer it another time."""
        try:
            await asyncio.to_thread(self._recent.add, setup)
        except NninspectError as error:
            self.note(error.message)

    def _check_again(self, event: messages.Pictured) -> None:
        """What the doctor said of another model is gone; after a reload it is asked anew."""
        if self.checked is None:
            return
        if self.checked.setup.target != event.picture.inspection.setup.target:
            self.checked = None
        elif event.doing == "reload":
            self.session.check()

    def _reloaded(self, changed: int) -> str:
        rows = f"{units.count(changed)} rows changed" if changed != 1 else "1 row changed"
        return f"reloaded: {rows if changed else 'nothing changed'}"

    def _look_at_files(self) -> None:
        """Reload what was saved, once nothing else is under way. The files are seen from before
        the worker reads them, so that no save is missed."""
        setup = self.session.setup
        if not self.watching or setup is None:
            return
        files = self.picture.inspection.files if self.picture else ()
        self._watch.watch(files or files_of(setup.target))
        if self._watch.changed():
            self._is_stale = True
        if not self._is_stale or self.session.is_busy:
            return
        if self.worker == STOPPED:  # the file that killed it may be mended by now
            self._is_stale = False
            self.session.restart()
        elif self.environment is not None:
            self._is_stale = False
            self.session.reload()

    @on(messages.Benched)
    def _benched(self, event: messages.Benched) -> None:
        self._bench.problem = None
        self.result = event.result
        self._bench.compared = event.compared
        self._tell_news("bench")

    @on(messages.Checked)
    def _checked(self, event: messages.Checked) -> None:
        self.checked = event.result

    @on(messages.Compared)
    def _compared(self, event: messages.Compared) -> None:
        from nninspect.ui.screens.twins import TwinsScreen

        current = self.session.setup.target if self.session.setup else ""
        self.app.push_screen(TwinsScreen(event.twins, current), self.open_target)

    @on(DoctorPane.Followed)
    def _follow(self, event: DoctorPane.Followed) -> None:
        """To the layer of a finding."""
        self.action_go(event.finding.path)

    def action_go(self, path: str) -> None:
        """To the layer at a path."""
        if self._layers.reveal(path):
            self.tab = "layers"
        else:
            self.said = Said(f"there is no layer {plain(path)} in the tree")

    def action_leave_page(self) -> None:
        """From a page back to the rows that it tells of."""
        self.set_focus(self._focus_of(self.tab))

    @on(LayersPane.Wanted)
    def _wanted(self, event: LayersPane.Wanted) -> None:
        self.session.describe(event.path)

    @on(messages.Weighed)
    def _weighed(self, event: messages.Weighed) -> None:
        self._weights.tensors = event.tensors

    @on(WeightsView.Followed)
    def _follow_weight(self, event: WeightsView.Followed) -> None:
        self.action_go(event.path)

    @on(messages.Described)
    def _described(self, event: messages.Described) -> None:
        self._layers.describe(event)

    @on(messages.Failed)
    def _failed(self, event: messages.Failed) -> None:
        problem = event.problem
        if issubclass(by_name(problem.kind), WorkerError):
            self._show_worker_gone(problem)
            return
        self._say_problem(problem, is_noticed=event.doing in ("open", "reload"))
        if event.doing == "bench":
            self._bench.problem = problem
        elif event.doing == "check":
            self._doctor.problem = problem
        elif event.doing not in ("move", "change", "weights"):
            self._layers.show_problem(problem)
        if problem.choices:
            self.ask_target(problem)

    def change_inputs(self) -> None:
        """Ask for other inputs, starting from those in view."""
        from nninspect.ui.screens.inputs import Inputs

        if self.picture is not None:
            self.app.push_screen(Inputs(self.picture.inspection), self._change)

    def _change(self, changes: dict[str, object] | None) -> None:
        if changes:
            self.session.change(**changes)

    @on(messages.Said)
    def _said(self, event: Said) -> None:
        self.said = event

    @on(messages.Wrote)
    def _wrote(self, event: messages.Wrote) -> None:
        self._log.printed(event.text, event.source, event.dropped)
        self._tell_news("log")

    def _show_worker_gone(self, problem: Problem) -> None:
        """Told twice where a request was under way: as the event, and as the request's failure."""
        if self.worker != STOPPED:
            self.environment = None
            self.worker = STOPPED
            self._say_problem(problem, is_noticed=True)
            self._layers.show_problem(problem, DEAD_KEYS)

    def _say_problem(self, problem: Problem, is_noticed: bool) -> None:
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
            self._tell_news("log")

    def _tell_news(self, tab: str) -> None:
        if tab != self.tab:
            self._tab_line.news |= {tab}

    def ask_target(self, problem: Problem | None = None) -> None:
        """Ask what to look at: the cards, or what a problem says would have worked."""
        from nninspect.ui.screens.picker import Picker

        self.app.push_screen(Picker(self._recent, problem), partial(self._open_choice, problem))

    def _open_choice(self, problem: Problem | None, choice: Choice | None) -> None:
        """With its own options; what a problem offers, with those that led to the problem."""
        if choice is None:
            return
        setup = choice.setup
        if problem is not None and self.session.setup is not None:
            setup = msgspec.structs.replace(self.session.setup, target=choice.target)
        if setup is None:
            self.open_target(choice.target)
        else:
            self.tab = "layers"
            self.session.open(setup)

    def ask_plan(self, what: str, known: tuple[str, ...]) -> None:
        """Ask for the loss or the task, and check again with it."""
        from nninspect.ui.screens.choose import ChooseOne

        plan = self.session.check_plan
        self.app.push_screen(
            ChooseOne(
                what, {"": NOT_SAID, **dict(zip(known, known, strict=True))}, getattr(plan, what)
            ),
            partial(self._check_with, what),
        )

    def _check_with(self, what: str, value: str | None) -> None:
        if value is not None:
            plan = self.session.check_plan
            self.session.check_plan = msgspec.structs.replace(plan, **{what: value})
            self.session.check()

    def ask_bench(self) -> None:
        """Ask what to time, and time it."""
        from nninspect.ui.screens.bench_plan import BenchPlanScreen

        self.app.push_screen(BenchPlanScreen(self.session.next_plan), self._bench_as)

    def _bench_as(self, plan: BenchPlan | None) -> None:
        if plan is not None:
            self.tab = "bench"
            self.session.bench(plan)

    def ask_twin(self, target: str) -> None:
        """A bundled network beside its twin; which, where there are several."""
        from nninspect.ui.twins import twins_of

        pairs = {broken: (broken, good) for broken, good in twins_of(target)}
        if len(pairs) > 1:
            from nninspect.ui.screens.choose import ChooseOne

            shown = ChooseOne(
                "broken twins", dict(zip(pairs, pairs, strict=True)), next(iter(pairs))
            )
            self.app.push_screen(shown, lambda name: self._compare(pairs.get(name or "")))
        elif pairs:
            self._compare(next(iter(pairs.values())))
        else:
            self.said = Said("only bundled networks have a twin to compare with")

    def _compare(self, pair: tuple[str, str] | None) -> None:
        if pair is not None:
            self.session.compare(*pair)

    def open_target(self, target: str | None) -> None:
        """Look at it, where one was chosen."""
        if target:
            device = self.picture.inspection.setup.device if self.picture else "cpu"
            self.tab = "layers"
            self.session.open(Setup(target=target, device=device))
