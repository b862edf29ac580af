"""The messages: one closed union each way, tagged by class name."""

from __future__ import annotations

import msgspec

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan, BenchProgress
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.flight import Death
from nninspect.protocol.records import Environment, Inspection, Problem, Setup
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats

VERSION = 10
"""Raised when a message or a record changes; client and worker must agree."""

MAGIC = b"\x00nninspect-worker\x00\n"
"""Opens the worker's stream; what a login shell prints before it is dropped."""


class _Message(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every message: tagged with its class name."""


class ClientHello(_Message, frozen=True):
    """The first request: the version that the client speaks."""

    version: int = VERSION


class Inspect(_Message, frozen=True):
    """Load what the setup names, run one forward and report every layer. → `Inspected`."""

    request_id: int
    setup: Setup
    reload: bool = False
    """Read the user's files again and build the model anew."""
    deaths: tuple[Death, ...] = ()
    """How earlier tries of this request ended: where each did, the forward stops instead."""


class Bench(_Message, frozen=True):
    """Time the forward. → `Benched`."""

    request_id: int
    setup: Setup
    plan: BenchPlan


class DescribeWeights(_Message, frozen=True):
    """Compute statistics of the tensors of a module. → `WeightsDescribed`."""

    request_id: int
    setup: Setup
    path: str = ""
    below: bool = False
    """Those of its whole subtree, not only its own."""


class ReadSource(_Message, frozen=True):
    """Find the source of a module's class. → `SourceRead`."""

    request_id: int
    setup: Setup
    path: str


class Check(_Message, frozen=True):
    """Look for mistakes in what the setup names. → `Checked`."""

    request_id: int
    setup: Setup
    plan: CheckPlan


class ReadCheckpoint(_Message, frozen=True):
    """Tell what is in a file of weights; torch is not needed for it. → `CheckpointRead`."""

    request_id: int
    path: str


class Cancel(_Message, frozen=True):
    """Stop a request, running or waiting. → its `Failed` of kind `Cancelled`, if in time."""

    request_id: int


class WorkerHello(_Message, frozen=True):
    """The first response: the version that the worker speaks, before torch is imported."""

    version: int
    pid: int


class Ready(_Message, frozen=True):
    """torch is imported; requests are taken."""

    environment: Environment


class Refused(_Message, frozen=True):
    """The worker can't work at all, and ends."""

    problem: Problem


class Progress(_Message, frozen=True):
    """How far a request is. May be dropped in favour of a later one."""

    request_id: int
    stage: str
    """What is being done, for people: "building the model"."""
    fraction: float | None = None
    """Of the whole request, 0 to 1; None where it can't be told."""
    bench: BenchProgress | None = None
    """How far a benchmark's rounds are."""


class Inspected(_Message, frozen=True):
    """The answer to `Inspect`."""

    request_id: int
    inspection: Inspection


class Benched(_Message, frozen=True):
    """The answer to `Bench`."""

    request_id: int
    result: BenchResult


class BenchedSoFar(_Message, frozen=True):
    """What a benchmark would answer if it ended now, told after each round: should the process
    die, it is the answer."""

    request_id: int
    result: BenchResult


class WeightsDescribed(_Message, frozen=True):
    """The answer to `DescribeWeights`."""

    request_id: int
    tensors: tuple[TensorStats, ...]


class SourceRead(_Message, frozen=True):
    """The answer to `ReadSource`."""

    request_id: int
    source: Source


class Checked(_Message, frozen=True):
    """The answer to `Check`."""

    request_id: int
    result: CheckResult


class CheckpointRead(_Message, frozen=True):
    """The answer to `ReadCheckpoint`."""

    request_id: int
    checkpoint: Checkpoint


class Failed(_Message, frozen=True):
    """The answer to a request that could not be carried out."""

    request_id: int
    problem: Problem


Work = Inspect | Bench | Check | DescribeWeights | ReadSource | ReadCheckpoint
"""The requests that are carried out one after another; each gets one answer."""

Request = ClientHello | Work | Cancel
Answer = Inspected | Benched | Checked | WeightsDescribed | SourceRead | CheckpointRead | Failed
Response = WorkerHello | Ready | Refused | Progress | BenchedSoFar | Answer
