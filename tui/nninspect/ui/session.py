"""What is asked of the worker and when: one request at a time, its outcome told as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from textual.message import Message

from nninspect.checkpoint.fit import compared
from nninspect.checkpoint.names import names_checkpoint
from nninspect.client.api import Advanced, Client, Died, Event, Printed, Ready, Starting
from nninspect.errors import NninspectError
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.records import Environment, Problem, Setup
from nninspect.text.bench import progress
from nninspect.ui.asides import Asides
from nninspect.ui.changes import mark_changes
from nninspect.ui.hints import CANCEL, OPEN, RESTART
from nninspect.ui.inputs import with_next_dtype
from nninspect.ui.look import Picture, look
from nninspect.ui.messages import (
    Benched,
    Checked,
    Compared,
    Doing,
    Failed,
    Fitted,
    Pictured,
    Said,
    Stored,
    Weighed,
    WorkerEnded,
    WorkerReady,
    WorkerStarting,
    Wrote,
)
from nninspect.ui.turns import Turns

BENCH_BATCHES = (1, 8, 32)


class Session:
    """One client, what it was last asked to look at, and the request under way."""

    def __init__(self, client: Client, tell: Callable[[Message], object]) -> None:
        self.client = client
        self.setup: Setup | None = None
        """What was last asked for, whether or not it could be shown."""
        self.picture: Picture | None = None
        self.model: Setup | None = None
        """What a file of weights is compared with."""
        self.is_stored = False
        """What is in view is a file of weights, not a model."""
        self.bench_plan: BenchPlan | None = None
        """What was last asked to be timed; None before that."""
        self.check_plan = CheckPlan()
        """With what the doctor is asked."""
        self.asides = Asides(client, tell)
        self._tell = tell
        self._turns = Turns(client, self.asides, tell)

    @property
    def environment(self) -> Environment | None:
        return self.client.environment

    @property
    def is_busy(self) -> bool:
        return self._turns.is_busy

    async def start(self) -> None:
        """Start the worker; what comes of it is told."""
        try:
            await self.client.start(self._hear)
        except NninspectError as error:
            self._tell(WorkerEnded(Problem.of(error)))

    def open(self, setup: Setup) -> None:
        """Look at something else, whatever is under way."""
        self.setup = setup
        self._turns.begin("open", f"loading {setup.target}", lambda: self._look("open", setup))

    def reload(self) -> None:
        """Read the user's files again; with nothing shown yet, try again."""
        if setup := self._current():
            doing: Doing = "reload" if self.picture else "open"
            self._turns.begin(
                doing, f"loading {setup.target}", lambda: self._look(doing, setup, True)
            )

    def restart(self) -> None:
        """A new worker, and the same look again."""
        self._turns.begin("open", "restarting the worker", self._restart)

    def move(self) -> None:
        """The model to the next device."""
        if self._may_ask() and (device := self._next_device()):
            self._turns.begin("move", f"moving to {device}…", lambda: self._move(device))

    def change(self, **changes: Any) -> None:
        """The same model with other inputs, batch, dtype or mode."""
        if self._may_ask() and self.picture is not None:
            setup = msgspec.structs.replace(self.picture.inspection.setup, **changes)
            self._turns.begin("change", "running the forward", lambda: self._look("change", setup))

    def next_dtype(self) -> None:
        """The model in the next floating dtype, round the end."""
        if self.picture is not None:
            self.change(**with_next_dtype(self.picture.inspection))

    def bench(self, plan: BenchPlan | None = None) -> None:
        """Time the model: as planned, or as last time, or on every device."""
        if self._may_ask():
            self.bench_plan = plan or self.bench_plan
            self._turns.begin("bench", "bench", self._bench)

    @property
    def next_plan(self) -> BenchPlan:
        """What `bench` would time."""
        if self.bench_plan is not None or self.picture is None or self.environment is None:
            return self.bench_plan or BenchPlan()
        return bench_plan(self.picture.inspection.batch, self.environment)

    def check(self) -> None:
        """Ask the doctor: also of a model that can't be built or run."""
        if self._may_ask(needs_picture=False) and (setup := self._current()):
            self._turns.begin("check", "check", lambda: self._check(setup))

    def weigh(self) -> None:
        """Look at the values of every tensor."""
        if self._may_ask():
            self._turns.begin("weights", "describing the weights", self._weigh)

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
            self._turns.begin(
                "twins", f"comparing with {good}", lambda: self._compare(broken, good)
            )

    def cancel(self) -> None:
        """Stop what is under way; a forward shows how far it came."""
        if self.is_busy:
            self.client.cancel(trace=True)

    # requests

    async def _look(self, doing: Doing, setup: Setup, reload: bool = False) -> None:
        if names_checkpoint(setup.target):
            await self._read(setup.target)
        else:
            self._show(await look(self.client, setup, reload=reload), doing)

    async def _read(self, path: str) -> None:
        """A file of weights in place of a model; then how it fits the one it is compared with."""
        found = await self.client.checkpoint(path)
        if not self._turns.is_last:
            return
        self.asides.forget()
        self.picture, self.is_stored = None, True
        self._tell(Stored(found))
        if self.model is not None:
            tensors = await self.client.weights(self.model, below=True)
            self._tell(Fitted(compared(found, tensors, self.model.target)))

    async def _restart(self) -> None:
        await self.client.restart()
        if setup := self.setup:
            await self._look("reload" if self.picture else "open", setup)

    async def _move(self, device: str) -> None:
        assert self.picture is not None
        before = self.picture.inspection
        moved = await look(self.client, msgspec.structs.replace(before.setup, device=device))
        failure = moved.inspection.failure
        if failure is not None and before.failure is None:
            self._tell(Failed("move", failure))
        else:
            self._show(moved, "move")

    async def _bench(self) -> None:
        assert self.picture is not None
        from nninspect.ui import past_runs

        result = await self.client.bench(self.picture.inspection.setup, self.next_plan)
        try:
            compared = await asyncio.to_thread(past_runs.keep, result)
        except NninspectError as error:
            compared = None
            self._tell(Said(error.message, bad=True))
        self._tell(Benched(result, compared))

    async def _check(self, setup: Setup) -> None:
        from nninspect.history.past import History

        sweep = await asyncio.to_thread(History.of_user().latest, setup.target)
        plan = msgspec.structs.replace(self.check_plan, sweep=sweep)
        self._tell(Checked(await self.client.check(setup, plan)))

    async def _compare(self, broken: str, good: str) -> None:
        from nninspect.ui.twins import compare

        self._tell(Compared(await compare(self.client, broken, good)))

    def _show(self, picture: Picture, doing: Doing) -> None:
        if not self._turns.is_last:
            return
        self.asides.forget()
        changed = 0
        if doing == "reload" and self.picture is not None:
            changed = mark_changes(self.picture.table, picture.table)
        self.picture, self.setup = picture, picture.inspection.setup
        self.is_stored = False
        self._tell(Pictured(picture, doing, changed))

    # what can be asked for now

    def _may_ask(self, needs_picture: bool = True) -> bool:
        """Whether a device, a bench or a check can be asked for now; says why not."""
        if self.is_busy:
            self._tell(Said("busy: ", hint=CANCEL))
        elif self.is_stored:
            self._tell(Said("there is no model in a file of weights: ", hint=OPEN))
        elif needs_picture and self.picture is None:
            self._tell(Said("nothing is open yet: ", hint=OPEN))
        elif self.environment is None:
            self._tell(Said("the worker is not running: ", hint=RESTART))
        else:
            return True
        return False

    def _current(self) -> Setup | None:
        if self.setup is None:
            self._tell(Said("nothing is open yet: ", hint=OPEN))
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
            case Advanced(stage, fraction, bench):
                told = stage if bench is None else progress(bench)
                self._turns.progress.advance(told, fraction, bench)
            case Printed(text, stream, dropped):
                self._tell(Wrote(text, stream, dropped))
            case Died(problem):
                self._tell(WorkerEnded(problem))


def bench_plan(batch: int | None, environment: Environment) -> BenchPlan:
    """Every device at the usual batch sizes and the one in view."""
    batches = {*BENCH_BATCHES, *([batch] if batch else [])}
    return BenchPlan(
        devices=tuple(device.name for device in environment.devices),
        batches=tuple(sorted(batches)),
    )
