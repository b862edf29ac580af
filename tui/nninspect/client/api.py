"""What the UI and the commands need of a worker; `connection` has the real one, tests a fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import msgspec

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan, BenchProgress
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.records import Environment, Inspection, Problem, Setup
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats


class Starting(msgspec.Struct, frozen=True):
    """A worker process was started; torch is not imported yet."""

    pid: int


class Ready(msgspec.Struct, frozen=True):
    """The worker takes requests."""

    environment: Environment


class Advanced(msgspec.Struct, frozen=True):
    """The request under way got further."""

    stage: str
    fraction: float | None
    bench: BenchProgress | None = None
    """How far a benchmark's rounds are."""


Stream: TypeAlias = Literal["stdout", "stderr", "worker"]


class Printed(msgspec.Struct, frozen=True):
    """User code, or a library, wrote to stdout or stderr. Any piece of text, not a line."""

    text: str
    stream: Stream = "stdout"
    """Python's own stderr is told apart; "worker" for words of the client's about the worker."""
    dropped: int = 0
    """Bytes before it that came too fast; then the text says so."""


class Died(msgspec.Struct, frozen=True):
    """The worker ended without being asked to: how, its last lines, and what to do next."""

    problem: Problem


Event: TypeAlias = Starting | Ready | Advanced | Printed | Died
Listener: TypeAlias = Callable[[Event], None]


class Client(Protocol):
    """A worker to ask, one request at a time. Every method is called on the event loop.

    A request raises the `NninspectError` that the worker reports; `Cancelled` when it was
    cancelled; `WorkerDied` when the worker ended under it. Where it ended in a forward, an
    inspect is answered by a new worker, with a failure at the call that the first one died in.
    """

    environment: Environment | None
    """None until the worker is ready, and again once it died."""

    async def start(self, listener: Listener) -> None:
        """Start the worker and return at once; the listener hears `Ready` later.

        Requests made before then wait for it.
        """

    async def inspect(self, setup: Setup, *, reload: bool = False) -> Inspection: ...

    async def bench(self, setup: Setup, plan: BenchPlan) -> BenchResult: ...

    async def weights(
        self, setup: Setup, path: str = "", *, below: bool = False
    ) -> tuple[TensorStats, ...]: ...

    async def source(self, setup: Setup, path: str) -> Source: ...

    async def check(self, setup: Setup, plan: CheckPlan) -> CheckResult: ...

    async def checkpoint(self, path: str) -> Checkpoint: ...

    def cancel(self, *, trace: bool = False) -> None:
        """Stop the request under way, if there is one. Always works: a worker that does not
        answer within a grace period is killed and a new one started in its place.

        With `trace`, an inspect that is stopped in a forward is answered with all that is known
        up to the call it was in, and a failure there; stopped once more, with `Cancelled`."""

    async def restart(self) -> None:
        """End the worker, whatever it is doing, and start a new one."""

    async def close(self) -> None:
        """End the worker and all it left behind. Safe to call twice."""
