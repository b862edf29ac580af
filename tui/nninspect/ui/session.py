"""What is asked of the worker and when: one request at a time, its outcome told as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from textual.message import Message

from nninspect.client.api import Advanced, Client, Died, Event, Printed, Ready, Starting
from nninspect.errors import Cancelled, ModelError, NninspectError
from nninspect.history.against import Against, against, common
from nninspect.history.past import History, default_folder, is_finished
from nninspect.protocol.bench import BenchPlan, BenchResult
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import Environment, Problem, Setup
from nninspect.text.bench import progress
from nninspect.ui.asides import Asides
from nninspect.ui.changes import mark_changes
from nninspect.ui.inputs import with_next_dtype
from nninspect.ui.messages import (
    Activity,
    Benched,
    Checked,
    Compared,
    Doing,
    Failed,
    Picture,
    Pictured,
    Progressed,
    Said,
    Weighed,
    WorkerEnded,
    WorkerReady,
    WorkerStarting,
    Wrote,
)
from nninspect.ui.twins import Twins

BENCH_BATCHES = (1, 8, 32)
PROGRESS_SECONDS = 0.25
"""Progress is drawn at most this often, so that drawing does not disturb what is timed."""


class Session:
    """One client, what it was last asked to look at, and the request under way."""

    def __init__(self, client: Client, tell: Callable[[Message], object]) -> None:
        self.client = client
        self.setup: Setup | None = None
        """What was last asked for, whether or not it could be shown."""
        self.picture: Picture | None = None
        self.bench_plan: BenchPlan | None = None
        """What was last asked to be timed; None before that."""
        self.check_plan = CheckPlan()
        """With what the doctor is asked."""
        self.asides = Asides(client, tell)
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._activity: Activity | None = None
        self._told_at = 0.0
        self._telling: asyncio.TimerHandle | None = None

    @property
    def environment(self) -> Environment | None:
        return self.client.environment

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Start the worker; what comes of it is told."""
        try:
            await self.client.start(self._hear)
        except NninspectError as error:
            self._tell(WorkerEnded(Problem.of(error)))

    def open(self, setup: Setup) -> None:
        """Look at something else, whatever is under way."""
        self.setup = setup
        self._begin("open", f"loading {setup.target}", lambda: self._look("open", setup))

    def reload(self) -> None:
        """Read the user's files again; with nothing shown yet, try again."""
        if setup := self._current():
            doing: Doing = "reload" if self.picture else "open"
            self._begin(doing, f"loading {setup.target}", lambda: self._look(doing, setup, True))

    def restart(self) -> None:
        """A new worker, and the same look again."""
        self._begin("open", "restarting the worker", self._restart)

    def move(self) -> None:
        """The model to the next device."""
        if self._may_ask() and (device := self._next_device()):
            self._begin("move", f"moving to {device}…", lambda: self._move(device))

    def change(self, **changes: Any) -> None:
        """The same model with other inputs, batch, dtype or mode."""
        if self._may_ask() and self.picture is not None:
            setup = msgspec.structs.replace(self.picture.inspection.setup, **changes)
            self._begin("change", "running the forward", lambda: self._look("change", setup))

    def next_dtype(self) -> None:
        """The model in the next floating dtype, round the end."""
        if self.picture is not None:
            self.change(**with_next_dtype(self.picture.inspection))

    def bench(self, plan: BenchPlan | None = None) -> None:
        """Time the model: as planned, or as last time, or on every device."""
        if self._may_ask():
            self.bench_plan = plan or self.bench_plan
            self._begin("bench", "bench", self._bench)

    @property
    def next_plan(self) -> BenchPlan:
        """What `bench` would time."""
        if self.bench_plan is not None or self.picture is None or self.environment is None:
            return self.bench_plan or BenchPlan()
        return bench_plan(self.picture.inspection.batch, self.environment)

    def check(self) -> None:
        """Ask the doctor: also of a model that can't be built or run."""
        if self._may_ask(needs_picture=False) and (setup := self._current()):
            self._begin("check", "check", lambda: self._check(setup))

    def weigh(self) -> None:
        """Look at the values of every tensor."""
        if self._may_ask():
            self._begin("weights", "describing the weights", self._weigh)

    async def _weigh(self) -> None:
        assert self.picture is not None
        picture = self.picture
        tensors = await self.client.weights(picture.inspection.setup, below=True)
        if self.picture is picture:
            self._tell(Weighed(tensors))

    def describe(self, path: str) -> None:
        """Tell of one module's weights and source, when nothing else is under way."""
        if self.picture is not None and self.environment is not None:
            self.asides.want(self.picture.inspection.setup, path)

    def compare(self, broken: str, good: str) -> None:
        """A broken network beside the good one."""
        if self._may_ask(needs_picture=False):
            self._begin("twins", f"comparing with {good}", lambda: self._compare(broken, good))

    def cancel(self) -> None:
        """Stop what is under way; a forward shows how far it came."""
        if self.is_busy:
            self.client.cancel(trace=True)

    # requests

    async def _look(self, doing: Doing, setup: Setup, reload: bool = False) -> None:
        self._show(await self._inspect(setup, reload), doing)

    async def _restart(self) -> None:
        await self.client.restart()
        if setup := self.setup:
            self._show(await self._inspect(setup, False), "reload" if self.picture else "open")

    async def _move(self, device: str) -> None:
        assert self.picture is not None
        before = self.picture.inspection
        moved = await self._inspect(msgspec.structs.replace(before.setup, device=device), False)
        failure = moved.inspection.failure
        if failure is not None and before.failure is None:
            self._tell(Failed("move", failure))
        else:
            self._show(moved, "move")

    async def _bench(self) -> None:
        assert self.picture is not None
        result = await self.client.bench(self.picture.inspection.setup, self.next_plan)
        try:
            compared = await asyncio.to_thread(keep, result)
        except NninspectError as error:
            compared = None
            self._tell(Said(error.message, bad=True))
        self._tell(Benched(result, compared))

    async def _check(self, setup: Setup) -> None:
        sweep = await asyncio.to_thread(History(default_folder(), Path.cwd()).latest, setup.target)
        plan = msgspec.structs.replace(self.check_plan, sweep=sweep)
        self._tell(Checked(await self.client.check(setup, plan)))

    async def _compare(self, broken: str, good: str) -> None:
        checked = await self.client.check(Setup(target=broken), CheckPlan())
        before = await self._table(broken)
        files = [next((each.file for each in checked.findings if each.file), "")]
        picture = await self._inspect(Setup(target=good), False)
        files.append((await self.client.source(Setup(target=good), "")).file)
        if before is not None:
            mark_changes(before, picture.table)
        self._tell(Compared(Twins(broken, good, checked, picture, tuple(map(_text_of, files)))))

    async def _table(self, target: str) -> LayerTable | None:
        """The rows of a network; None of one that can't be built."""
        with suppress(ModelError):
            return (await self._inspect(Setup(target=target), False)).table
        return None

    async def _inspect(self, setup: Setup, reload: bool) -> Picture:
        inspection = await self.client.inspect(setup, reload=reload)
        try:
            return Picture(inspection, LayerTable(inspection.layers))
        except ValueError as error:
            raise NninspectError(f"the worker sent a broken layer tree: {error}") from error

    def _show(self, picture: Picture, doing: Doing) -> None:
        if self._task is not asyncio.current_task():
            return  # something else was asked for meanwhile
        self.asides.forget()
        changed = 0
        if doing == "reload" and self.picture is not None:
            changed = mark_changes(self.picture.table, picture.table)
        self.picture, self.setup = picture, picture.inspection.setup
        self._tell(Pictured(picture, doing, changed))

    # one at a time

    def _begin(self, doing: Doing, title: str, work: Callable[[], Awaitable[None]]) -> None:
        waits_for = self._task
        self.asides.hold()
        self._task = asyncio.create_task(self._run(doing, title, work, waits_for))

    async def _run(
        self,
        doing: Doing,
        title: str,
        work: Callable[[], Awaitable[None]],
        waits_for: asyncio.Task[None] | None,
    ) -> None:
        if waits_for is not None and not waits_for.done():
            self.client.cancel()
            await asyncio.wait([waits_for])
        if self._task is not asyncio.current_task():
            return
        self._progress(Activity(doing, title))
        try:
            await work()
        except Cancelled:
            self._tell(Said("cancelled"))
        except NninspectError as error:
            self._tell(Failed(doing, Problem.of(error)))
        except Exception as error:
            self._tell(Failed(doing, _bug(error)))
        finally:
            self._progress(None)
            if self._task is asyncio.current_task():
                self.asides.go_on()

    def _may_ask(self, needs_picture: bool = True) -> bool:
        """Whether a device, a bench or a check can be asked for now; says why not."""
        if self.is_busy:
            self._tell(Said("busy: esc cancels what is running"))
        elif needs_picture and self.picture is None:
            self._tell(Said("nothing is open yet: o opens a model"))
        elif self.environment is None:
            self._tell(Said("the worker is not running: R restarts it"))
        else:
            return True
        return False

    def _current(self) -> Setup | None:
        if self.setup is None:
            self._tell(Said("nothing is open yet: o opens a model"))
        return self.setup

    def _next_device(self) -> str:
        """The device after the model's, round the end; "" with a word where there is no other."""
        assert self.picture is not None
        assert self.environment is not None
        names = [device.name for device in self.environment.devices]
        current = self.picture.inspection.setup.device
        if not [name for name in names if name != current]:
            self._tell(Said(f"no other device: {self.environment.no_accelerator}".rstrip(": ")))
            return ""
        return names[(names.index(current) + 1) % len(names) if current in names else 0]

    # what the worker tells

    def _hear(self, event: Event) -> None:
        match event:
            case Starting(pid):
                self._tell(WorkerStarting(pid))
            case Ready(environment):
                self._tell(WorkerReady(environment))
            case Advanced(stage, fraction, bench) if self._activity is not None:
                told = stage if bench is None else progress(bench)
                self._progress(replace(self._activity, stage=told, fraction=fraction))
            case Printed(text, stream, dropped):
                self._tell(Wrote(text, stream, dropped))
            case Died(problem):
                self._tell(WorkerEnded(problem))

    def _progress(self, activity: Activity | None) -> None:
        """Tell a change of activity at once, progress within one at intervals, the latest of it."""
        begins_or_ends = activity is None or self._activity is None
        self._activity = activity
        if begins_or_ends:
            self._tell_progress()
        elif self._telling is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._told_at + PROGRESS_SECONDS)
            self._telling = loop.call_at(due, self._tell_progress)

    def _tell_progress(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        self._told_at = asyncio.get_running_loop().time()
        self._tell(Progressed(self._activity))


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text("utf-8") if file else ""
    except (OSError, ValueError):
        return ""


def _bug(error: Exception) -> Problem:
    """An error of our own: short on the screen, in full in the log."""
    import traceback

    return Problem(
        kind="NninspectError",
        message=f"nninspect itself failed: {type(error).__name__}: {error}",
        hint="The Log has the details; they make a good bug report",
        details="".join(traceback.format_exception(error)),
    )


def keep(result: BenchResult) -> Against | None:
    """Keep a finished run, and compare it with the one before it. Raises UsageError."""
    if not is_finished(result):
        return None
    history = History(default_folder(), Path.cwd())
    before = history.latest(result.setup.target)
    history.add(result)
    compared = common(against(before, result)) if before else None
    return compared if compared and compared.rows else None


def bench_plan(batch: int | None, environment: Environment) -> BenchPlan:
    """Every device at the usual batch sizes and the one in view."""
    batches = {*BENCH_BATCHES, *([batch] if batch else [])}
    return BenchPlan(
        devices=tuple(device.name for device in environment.devices),
        batches=tuple(sorted(batches)),
    )
