"""A dispatcher in this process, over an engine without torch."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from nninspect.errors import ProtocolError
from nninspect.protocol.bench import BenchResult, Run
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.flight import Death
from nninspect.protocol.layers import LayerRow, pack
from nninspect.protocol.machine import Machine
from nninspect.protocol.messages import Bench, Check, Inspect, Response, Work
from nninspect.protocol.records import Environment, Inspection, Setup, Totals
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats
from nninspect.worker.cancel import Cancels
from nninspect.worker.dispatch import Dispatcher
from nninspect.worker.engine import Engine, Report

SETUP = Setup(target="t")
NO_COUNTS = Totals(
    modules=1, parameters=0, trainable=0, buffers=0, parameter_bytes=0, buffer_bytes=0
)


class Harness:
    """Requests are answered by `work`, and every message sent is in `sent`."""

    def __init__(self) -> None:
        self.work: Callable[[Report], Any] = lambda progress: "Net"
        self.now = 0.0
        self.sent: list[Response] = []
        self.unsendable = ""
        self.reloads: list[bool] = []
        self.cancels = Cancels()
        environment = Environment(host="h", python="3", torch="2.6", pid=1, devices=())
        engine = Engine(environment, self, self.bench, self.check)
        self.dispatcher = Dispatcher(engine, self.send, self.cancels, clock=lambda: self.now)

    def inspect(
        self, setup: Setup, *, reload: bool, progress: Report, deaths: Sequence[Death]
    ) -> Inspection:
        self.reloads.append(reload)
        return Inspection(
            setup=setup,
            title=str(self.work(progress)),
            inputs_from="given",
            layers=pack([LayerRow(name="", path="", type="Net", depth=0)]),
            totals=NO_COUNTS,
        )

    def weights(
        self, setup: Setup, path: str, below: bool, progress: Report
    ) -> tuple[TensorStats, ...]:
        name = f"{path}.{self.work(progress)}{'.below' if below else ''}"
        return (TensorStats(path=name, shape=(2,), dtype="float32", count=2, size=8),)

    def source(self, setup: Setup, path: str, progress: Report) -> Source:
        return Source(owner=f"{path}: {self.work(progress)}")

    def bench(
        self, session: Any, setup: Setup, plan: BenchPlan, progress: Report, keep: Any
    ) -> BenchResult:
        assert session is self
        return BenchResult(
            setup=setup,
            run=Run(id="", time_utc="", torch="", python="", seed=0),
            machine=Machine(host="", cpu="", isa="", cores_visible=1, quota_cores=None, threads=1),
            rows=(),
            missing=str(self.work(progress)),
        )

    def check(self, session: Any, setup: Setup, plan: CheckPlan, progress: Report) -> CheckResult:
        assert session is self
        return CheckResult(setup=setup, title=str(self.work(progress)))

    def send(self, message: Response) -> None:
        if type(message).__name__ == self.unsendable:
            raise ProtocolError("over the limit")
        self.sent.append(message)

    def ask_inspect(self, request_id: int = 1, *, reload: bool = False) -> None:
        self.ask(Inspect(request_id=request_id, setup=SETUP, reload=reload))

    def ask_bench(self, request_id: int = 1) -> None:
        plan = BenchPlan(devices=("cpu",), batches=(1,))
        self.ask(Bench(request_id=request_id, setup=SETUP, plan=plan))

    def ask_check(self, request_id: int = 1) -> None:
        self.ask(Check(request_id=request_id, setup=SETUP, plan=CheckPlan()))

    def ask(self, request: Work) -> None:
        self.cancels.expect(request.request_id)
        self.dispatcher.handle(request)

    def answers(self) -> list[tuple[str, int]]:
        """The kind and request of every message but progress."""
        return [
            (type(message).__name__, msgspec.to_builtins(message)["request_id"])
            for message in self.sent
            if type(message).__name__ != "Progress"
        ]


@pytest.fixture
def harness() -> Iterator[Harness]:
    before = signal.getsignal(signal.SIGINT)
    yield Harness()
    signal.signal(signal.SIGINT, before)
