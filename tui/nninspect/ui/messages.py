"""What the session tells the screen: frozen facts, each handled in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from textual.message import Message

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchProgress, Key
from nninspect.protocol.checkpoint import Checkpoint, Fit
from nninspect.protocol.findings import CheckResult
from nninspect.protocol.records import Environment, Problem
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

Doing = Literal["open", "reload", "move", "change", "bench", "check", "twins", "weights"]

if TYPE_CHECKING:
    from nninspect.client.api import Stream
    from nninspect.history.against import Against
    from nninspect.ui.hints import Hint
    from nninspect.ui.look import Picture
    from nninspect.ui.twins import Twins


@dataclass(frozen=True)
class Activity:
    """A request under way: what for, how far, and whether it is a bench."""

    doing: Doing
    title: str
    stage: str = ""
    fraction: float | None = None
    measured: Mapping[Key, BenchProgress] = field(default_factory=dict)
    """Of a bench, the latest figure of each of its rows."""


@dataclass
class WorkerStarting(Message):
    pid: int


@dataclass
class WorkerReady(Message):
    environment: Environment


@dataclass
class WorkerEnded(Message):
    """The worker died, or was never there."""

    problem: Problem


@dataclass
class Progressed(Message):
    """What goes on now; None when nothing does."""

    activity: Activity | None

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Progressed)


@dataclass
class Pictured(Message):
    picture: Picture
    doing: Doing
    changed: int = 0
    """How many rows a reload changed."""


@dataclass
class Stored(Message):
    """What is in a file of weights, which was opened in place of a model."""

    checkpoint: Checkpoint


@dataclass
class Fitted(Message):
    """How it fits the model that it is compared with."""

    fit: Fit


@dataclass
class Benched(Message):
    result: BenchResult
    compared: Against | None = None
    """With the run before it of the same model, where there is one to compare with."""


@dataclass
class Checked(Message):
    result: CheckResult


@dataclass
class Weighed(Message):
    """Every tensor of the model in view."""

    tensors: tuple[TensorStats, ...]


@dataclass
class Described(Message):
    """The weights and the source of the module at a path, or why there are none."""

    path: str
    tensors: tuple[TensorStats, ...] = ()
    source: Source | None = None
    problem: str = ""


@dataclass
class Compared(Message):
    twins: Twins


@dataclass
class Failed(Message):
    doing: Doing
    problem: Problem


@dataclass
class Said(Message):
    """Something short for the status line."""

    text: str
    bad: bool = False
    stays: bool = False
    """Until something else is said, whatever begins meanwhile."""
    hint: Hint | None = None
    """A key that helps, said behind the text."""


@dataclass
class Wrote(Message):
    """User code printed."""

    text: str
    source: Stream = "stdout"
    dropped: int = 0
    """Bytes before it that came too fast to be shown."""
