"""What the session tells, kept as the screen's state."""

from __future__ import annotations

import asyncio

from textual import on
from textual.reactive import reactive

from nninspect.client.api import Client
from nninspect.errors import NninspectError, WorkerError, by_name
from nninspect.protocol.records import Problem, Setup
from nninspect.text import units
from nninspect.text.plain import plain
from nninspect.ui import messages
from nninspect.ui.messages import Said
from nninspect.ui.screens.asking import AskingScreen
from nninspect.ui.screens.showing import STARTING
from nninspect.ui.watch import LOOK_SECONDS, FileWatch, files_of
from nninspect.ui.widgets.doctor_pane import DoctorPane
from nninspect.ui.widgets.layers_pane import DEAD_KEYS, LayersPane
from nninspect.ui.widgets.weights_view import WeightsView

STOPPED = "worker stopped"


class ToldScreen(AskingScreen):
    """Turns each message into state, and reloads what was saved."""

    watching: reactive[bool] = reactive(False)
    """Whether a saved file is read again at once."""

    def __init__(self, client: Client, setup: Setup | None, watching: bool = False) -> None:
        super().__init__(client)
        self.set_reactive(ToldScreen.watching, watching)
        self._watch = FileWatch()
        self._is_stale = False
        self._first_setup = setup

    async def begin(self) -> None:
        """Start the worker and look at what was asked for, or ask what to look at."""
        if self._first_setup is None:
            self.ask_target()
        self.set_interval(LOOK_SECONDS, self._look_at_files)
        await self.session.start()
        if self._first_setup is not None:
            self.session.open(self._first_setup)

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
        self.stored = None
        self.picture = event.picture
        inspection = event.picture.inspection
        if inspection.failure is not None:
            self.say_problem(inspection.failure, is_noticed=True)
        elif event.doing == "move":
            self.said = Said(f"now on {inspection.setup.device}")
        elif event.doing == "reload":
            self.said = Said(self._reloaded(event.changed))
        self._look_at_files()
        self._check_again(event)
        if event.doing in ("open", "change"):
            self.run_worker(self._remember(inspection.setup))

    @on(messages.Stored)
    def _has_stored(self, event: messages.Stored) -> None:
        from nninspect.text.checkpoint import remarks

        self.picture = self.result = self.checked = None
        self.stored = event.checkpoint
        self.tab = "weights"
        for line in remarks(event.checkpoint):
            self.note(line)
        if event.checkpoint.globals or event.checkpoint.remarks:
            self.said = Said("the Log says what else is in the file", bad=True)
        if self.session.setup is not None:
            self.run_worker(self._remember(self.session.setup))

    @on(messages.Fitted)
    def _fitted(self, event: messages.Fitted) -> None:
        from nninspect.text.checkpoint import fit_lines

        first, *more = fit_lines(event.fit)
        self.note("\n".join([first, *more]))
        self.said = Said(f"{first}{'; the Log has the rest' if more else ''}", not event.fit.fits)
        self.tell_news("log")

    async def _remember(self, setup: Setup) -> None:
        """For the picker to offer it another time."""
        try:
            await asyncio.to_thread(self.recent.add, setup)
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
        self.tell_news("bench")

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
        self.say_problem(problem, is_noticed=event.doing in ("open", "reload"))
        if event.doing == "bench":
            self._bench.problem = problem
        elif event.doing == "check":
            self._doctor.problem = problem
        elif event.doing not in ("move", "change", "weights"):
            self._layers.show_problem(problem)
        if problem.choices:
            self.ask_target(problem)

    @on(messages.Said)
    def _said(self, event: Said) -> None:
        self.said = event

    @on(messages.Wrote)
    def _wrote(self, event: messages.Wrote) -> None:
        self._log.printed(event.text, event.source, event.dropped)
        self.tell_news("log")

    def _show_worker_gone(self, problem: Problem) -> None:
        """Told twice where a request was under way: as the event, and as the request's failure."""
        if self.worker != STOPPED:
            self.environment = None
            self.worker = STOPPED
            self.say_problem(problem, is_noticed=True)
            self._layers.show_problem(problem, DEAD_KEYS)
