"""A client that answers with frozen results, and models made of rows for it to show."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest
from textual.events import MouseScrollDown as MouseScrollDown
from textual.pilot import Pilot

from nninspect.client.api import Died, Event, Listener, Ready, Starting
from nninspect.errors import Cancelled, NninspectError
from nninspect.protocol.bench import BenchResult, BenchRow, Compare, Config, Quality, Run
from nninspect.protocol.bench_figures import Cold, Latency, MemoryUse, Round, Throughput
from nninspect.protocol.bench_plan import BenchPlan, Key
from nninspect.protocol.checkpoint import Checkpoint, StoredTensor
from nninspect.protocol.findings import CheckPlan, CheckResult, Finding, Severity, SkippedRule
from nninspect.protocol.layers import INPUT, Kind, LayerRow, Mark, TensorInfo, pack
from nninspect.protocol.machine import Machine
from nninspect.protocol.records import (
    Device,
    Environment,
    InputSpec,
    Inspection,
    Problem,
    Setup,
    Totals,
)
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats, Values
from nninspect.ui import app, asides, garbage
from nninspect.ui.app import NninspectApp
from nninspect.ui.screens import showing

CPU = Device("cpu", "Some CPU", 0)
GPU = Device("cuda:0", "Some GPU", 80 * 2**30)


def environment(*devices: Device, why_not: str = "") -> Environment:
    return Environment(
        host="gpubox",
        python="3.11.9",
        torch="2.13.0",
        pid=4242,
        devices=devices or (CPU, GPU),
        no_accelerator=why_not,
        threads=8,
    )


def shape(*dims: int) -> tuple[TensorInfo, ...]:
    return (TensorInfo("", dims, "float32"),)


@dataclass
class Node:
    """A module of a tree being written down; totals follow from what is below."""

    name: str
    type: str
    own: int = 0
    inputs: tuple[TensorInfo, ...] | None = None
    outputs: tuple[TensorInfo, ...] | None = None
    children: list[Node] = field(default_factory=list)
    marks: Mark = Mark.NONE
    extra: str = ""
    notes: tuple[str, ...] = ()
    frozen: bool = False
    macs: int | None = 0
    source: str = ""
    """Of an op; a module has none."""
    signature: int = 0
    kin: str = ""
    """The path of what has its module or a parameter first."""

    @property
    def total(self) -> int:
        return self.own + sum(child.total for child in self.children)

    @property
    def trainable(self) -> int:
        own = 0 if self.frozen else self.own
        return own + sum(child.trainable for child in self.children)

    @property
    def mult_adds(self) -> int:
        return (self.macs or 0) + sum(child.mult_adds for child in self.children)

    def rows(self, path: str = "", depth: int = 0, device: str = "cpu") -> Iterable[LayerRow]:
        yield LayerRow(
            name=self.name,
            path=path,
            type=self.type,
            depth=depth,
            inputs=self.inputs,
            outputs=self.outputs,
            own_parameters=self.own,
            total_parameters=self.total,
            trainable_parameters=self.trainable,
            mult_adds=self.mult_adds,
            calls=0 if self.inputs is None else 1,
            dtype="float32" if self.total else "",
            device=device if self.total else "",
            marks=self.marks | (Mark.FROZEN if self.total and not self.trainable else Mark.NONE),
            notes=self.notes,
            extra=self.extra,
            kind=Kind.OP if self.source else Kind.MODULE,
            source=self.source,
            signature=self.signature,
        )
        for child in self.children:
            below = f"{path}.{child.name}" if path else child.name
            yield from child.rows(below, depth + 1, device)


def conv(name: str, before: int, after: int, side: int) -> Node:
    return Node(
        name,
        "Conv2d",
        9 * before * after,
        shape(1, before, side, side),
        shape(1, after, side, side),
        extra=f"{before}, {after}, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False",
        macs=9 * before * after * side * side,
    )


def norm(name: str, channels: int, side: int) -> Node:
    both = shape(1, channels, side, side)
    return Node(name, "BatchNorm2d", 2 * channels, both, both, extra=str(channels))


def block(name: str, before: int, after: int, side: int) -> Node:
    parts = [conv("conv1", before, after, side), norm("norm1", after, side)]
    parts += [conv("conv2", after, after, side), norm("norm2", after, side)]
    if before != after:
        shortcut = [conv("0", before, after, side), norm("1", after, side)]
        parts.append(_box("shortcut", "Sequential", shortcut))
    return _box(name, "ResidualBlock", parts)


def _box(name: str, kind: str, children: list[Node]) -> Node:
    return Node(name, kind, 0, children[0].inputs, children[-1].outputs, children)


def small_resnet() -> Node:
    """A network with every mark that a good forward can leave."""
    head = Node("head", "Linear", 650, shape(1, 64), shape(1, 10), extra="64, 10")
    unused = Node("aux", "Linear", 650, None, None, marks=Mark.UNCALLED, extra="64, 10")
    pool = Node("pool", "AdaptiveAvgPool2d", 0, shape(1, 64, 8, 8), shape(1, 64, 1, 1))
    pool.marks, pool.notes = Mark.DIFFERS, ("mult-adds: torchinfo says 4,096, counted 0",)
    head.marks = Mark.TIED
    stem = _box("stem", "Sequential", [conv("conv", 3, 16, 32), norm("norm", 16, 32)])
    stem.children[0].frozen = True
    blocks = [("stage1", 16, 16, 32), ("stage2", 16, 32, 16), ("stage3", 32, 64, 8)]
    stages = [
        _box(name, "Sequential", [block("0", before, after, side), block("1", after, after, side)])
        for name, before, after, side in blocks
    ]
    root = _box("", "ResNetSmall", [stem, *stages, pool, head])
    root.children.append(unused)
    return root


def op(name: str, source: str, *inputs: int, side: int) -> Node:
    """A functional call on tensors with so many channels."""
    tensors = [TensorInfo(str(n), (1, c, side, side), "float32") for n, c in enumerate(inputs)]
    given = tuple(tensors) if len(inputs) > 1 else shape(1, inputs[0], side, side)
    return Node(name, "op", 0, given, shape(1, inputs[0], side, side), source=source)


def functional_net() -> Node:
    """Two blocks whose activations and skips are calls of functions."""

    def residual(name: str) -> Node:
        layers = [conv("conv1", 8, 8, 16), op("relu", "net.py:18", 8, side=16)]
        layers += [conv("conv2", 8, 8, 16), op("add", "net.py:19", 8, 8, side=16)]
        return _box(name, "Block", [*layers, op("relu#2", "net.py:19", 8, side=16)])

    head = Node("head", "Linear", 90, shape(1, 8), shape(1, 10), extra="8, 10")
    pool = Node("mean", "op", 0, shape(1, 8, 16, 16), shape(1, 8), source="net.py:31")
    return _box("", "Net", [conv("stem", 3, 8, 16), residual("a"), residual("b"), pool, head])


def stacked_net(blocks: int = 12, odd: int | None = None) -> Node:
    """Blocks of one structure in a stack, between an embedding and a head; one may fail."""
    same = shape(1, 16, 64)

    def stacked(number: int) -> Node:
        failed = odd is not None and number == odd
        reached = odd is None or number < odd
        seen = same if reached else None
        attention = Node("attention", "Attention", 16_384, seen, seen, signature=2)
        sizes = (64, 256) if reached else None
        up = Node("0", "Linear", 16_640, seen, sizes and shape(1, 16, 256), signature=3)
        down = Node("2", "Linear", 16_448, sizes and shape(1, 16, 256), seen, signature=4)
        mlp = Node("mlp", "Sequential", 0, seen, seen, [up, down], signature=5)
        block = Node(str(number), "Block", 256, seen, seen, [attention, mlp], signature=1)
        if failed:
            block.inputs, block.outputs, attention.marks = same, None, Mark.FAILED
        return block

    stack = Node("layers", "ModuleList", 0, (), (), [stacked(n) for n in range(blocks)])
    embed = Node("embed", "Embedding", 64_000, shape(1, 16), same, extra="1000, 64")
    head = Node("head", "Linear", 64_000, same, shape(1, 16, 1000), extra="64, 1000")
    return Node("", "Decoder", 0, shape(1, 16), shape(1, 16, 1000), [embed, stack, head])


FLOW = (
    ("", "stem"),
    ("stem", "a.conv1"),
    ("a.conv1", "a.relu"),
    ("a.relu", "a.conv2"),
    ("stem", "a.add"),
    ("a.conv2", "a.add"),
    ("a.add", "a.relu#2"),
    ("a.relu#2", "b.conv1"),
    ("b.conv1", "b.relu"),
    ("b.relu", "b.conv2"),
    ("a.relu#2", "b.add"),
    ("b.conv2", "b.add"),
    ("b.add", "b.relu#2"),
    ("b.relu#2", "mean"),
    ("mean", "head"),
)
"""The edges of `functional_net`, by path; "" is what the model was called with."""


def failing_resnet() -> Node:
    """The same, with a head that does not fit."""
    root = small_resnet()
    head = root.children[-2]
    head.inputs, head.outputs, head.marks = shape(1, 64, 1, 1), None, Mark.FAILED
    root.outputs, root.marks = None, Mark.NONE
    return root


FORWARD_FAILED = Problem(
    kind="ForwardFailed",
    message="head (Linear) got (1, 64, 1, 1) and wants 64 as its last dimension",
    hint="Flatten what the pooling gives: x.flatten(1) before self.head(x)",
    where="head",
    details="Traceback (most recent call last):\n  File …\nRuntimeError: mat1 and mat2",
)
FINDINGS = (
    Finding(
        code="NN301",
        name="softmax-before-loss",
        severity=Severity.ERROR,
        seen="The output is a softmax: 4 samples sum to 1.000.",
        why="cross_entropy applies log_softmax itself.",
        change="return self.head(x)  # logits",
        path="head",
        file="/home/me/net.py",
        line=31,
    ),
    Finding(
        code="NN203",
        name="sigmoid-hidden",
        severity=Severity.WARNING,
        seen="A sigmoid between two layers.",
        why="Its slope is 0.25 at most.",
        change="x = F.relu(x)",
        path="stem.conv",
        related=("stage1",),
    ),
    Finding(
        code="NN508", name="unused", severity=Severity.INFO, seen="No gradient came.", path="gone"
    ),
)
DIED = Problem(
    kind="WorkerDied",
    message="the worker was killed by SIGKILL",
    hint="Often that is the kernel being out of memory: try a smaller --batch",
    details="last line of stderr\nand another",
)


def inspection(
    root: Node,
    setup: Setup,
    failure: Problem | None = None,
    flow: Iterable[tuple[str, str]] = (),
) -> Inspection:
    rows = list(root.rows(device=setup.device))
    places = {row.path: place for place, row in enumerate(rows)} | {"": INPUT}
    edges = [(places[made], places[used]) for made, used in flow]
    return Inspection(
        setup=setup,
        inputs=(InputSpec((1, 3, 32, 32)),),
        dtype="float32",
        title=root.type,
        inputs_from="the model card",
        layers=pack(
            rows, edges, [used for _, used in edges[-1:] if root.outputs], _kin(root, places)
        ),
        totals=Totals(
            modules=len(rows),
            parameters=root.total,
            trainable=root.trainable,
            buffers=10,
            parameter_bytes=4 * root.total,
            buffer_bytes=40,
            mult_adds=root.mult_adds,
        ),
        failure=failure,
    )


def _kin(root: Node, places: dict[str, int], path: str = "") -> Iterable[tuple[int, int]]:
    for child in root.children:
        below = f"{path}.{child.name}" if path else child.name
        if child.kin:
            yield places[below], places[child.kin]
        yield from _kin(child, places, below)


def bench_result(setup: Setup, plan: BenchPlan) -> BenchResult:
    """Ten rounds a configuration; the CPU's at batch 32 are far apart."""
    rows = tuple(
        bench_row(device, batch, plan) for device in plan.devices for batch in plan.batches
    )
    machine = Machine(
        host="box", cpu="a CPU", isa="AVX2", cores_visible=8, quota_cores=None, threads=8
    )
    run = Run(id="1", time_utc="2026-01-01T00:00:00+00:00", torch="2.13.0", python="3.13", seed=0)
    return BenchResult(setup=setup, run=run, machine=machine, rows=rows, stopped="all rounds")


def bench_row(device: str, batch: int, plan: BenchPlan) -> BenchRow:
    base = 0.002 * batch if device == "cpu" else 0.0004
    is_shaky = (device, batch) == ("cpu", 32)
    spread = 0.3 if is_shaky else 0.01
    rounds = tuple(
        Round(
            number=n, median_s=base * (1 + spread * n / 10), n=100, t_start_s=n, canary_ratio=1.01
        )
        for n in range(10)
    )
    latency = Latency(
        median_s=base * (1 + spread * 0.45),
        ci_low_s=base * (1 + spread * 0.1),
        ci_high_s=base * (1 + spread * 0.8),
        ci_method="ordered rounds 2 to 9 of 10 (97.9 %)",
        floor_s=base * 0.99,
        p90_s=base * (1 + spread * 1.1),
        p99_s=base * (1 + spread * 1.3),
        n_calls=1000,
        calls_per_sample=1,
        warmup_calls=5,
        rounds=rounds,
    )
    compare = None
    if device != "cpu" and "cpu" in plan.devices:
        ratio = 0.002 * batch / base
        compare = Compare(
            against=Key("cpu", batch),
            ratio=ratio,
            ci_low=ratio * 0.99,
            ci_high=ratio * 1.02,
            n_pairs=10,
            untrusted=batch == 32,
        )
    return BenchRow(
        config=Config(
            target="net",
            params=1,
            inputs=(),
            batch=batch,
            dtype="float32",
            device=device,
            mode="inference",
            threads=8,
        ),
        cold=Cold(build_s=0.01, to_device_s=0.02, first_call_s=0.031),
        latency=latency,
        throughput=Throughput(
            items_per_s=batch / latency.median_s,
            ci_low=batch / latency.ci_high_s,
            ci_high=batch / latency.ci_low_s,
            mode="latency" if device == "cpu" else "back to back",
        ),
        memory=MemoryUse(peak_allocated_bytes=None if device == "cpu" else batch * 12 * 2**20),
        compare=compare,
        quality=Quality(
            verdict="untrusted" if is_shaky else "trusted",
            reasons=("wide interval", "trend") if is_shaky else (),
        ),
    )


SOURCE = """class Net(nn.Module):
    def forward(self, x):  # the skip is added
        out = F.relu(self.conv1(x))
        return out + x
"""


def stats(path: str, shape: tuple[int, ...], low: float | None = -0.5, **more: Any) -> TensorStats:
    """A tensor whose values lie evenly around zero; without values where `low` is None."""
    count = math.prod(shape)
    if low is None:
        return TensorStats(path=path, shape=shape, dtype="float32", count=count, size=4 * count)
    values = {"looked_at": count, "low": low, "high": -low, "mean": 0.0, "std": -low / 2}
    histogram = tuple(16 - abs(16 - bin) for bin in range(32))
    return TensorStats(
        path=path,
        shape=shape,
        dtype="float32",
        count=count,
        size=4 * count,
        is_trainable=True,
        values=Values(**(values | {"histogram": histogram} | more)),  # type: ignore[arg-type]
    )


def some_tensors() -> tuple[TensorStats, ...]:
    """Of `small_resnet`: one of them sampled, one all zeros, one broken."""
    return (
        stats("stem.conv.weight", (16, 3, 3, 3), -0.31),
        stats("stem.norm.weight", (16,), -1.0),
        stats("stage3.1.conv2.weight", (64, 64, 3, 3), -0.2, looked_at=1_000, nans=2),
        stats("head.weight", (10, 64), -0.125),
        stats("head.bias", (10,), 0.0, zeros=10, histogram=()),
    )


class FakeClient:
    """It answers what it was given to answer, at once or when its `gate` is opened."""

    def __init__(
        self, tree: Node | None = None, *, where: Environment | None = None, ready: bool = True
    ) -> None:
        self.tree = tree or small_resnet()
        self.where = where or environment()
        self.ready = ready
        self.environment: Environment | None = None
        self.failure: Problem | None = None
        self.findings: tuple[Finding, ...] = FINDINGS
        self.flow: tuple[tuple[str, str], ...] = ()
        self.errors: list[NninspectError] = []
        self.asked: list[tuple[str, object]] = []
        self.tensors: tuple[TensorStats, ...] = some_tensors()
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self._cancelled = asyncio.Event()
        self.listener: Listener | None = None

    def tell(self, event: Event) -> None:
        assert self.listener is not None
        self.listener(event)

    async def start(self, listener: Listener) -> None:
        self.asked.append(("start", None))
        self.listener = listener
        self.tell(Starting(4242))
        if self.ready:
            self.become_ready()

    def become_ready(self) -> None:
        self.environment = self.where
        self.tell(Ready(self.where))

    def die(self) -> None:
        """As the real one: the event, and what was asked fails."""
        self.environment = None
        self.tell(Died(DIED))

    async def inspect(self, setup: Setup, *, reload: bool = False) -> Inspection:
        self.asked.append(("reload" if reload else "inspect", setup))
        await self._answer()
        return inspection(self.tree, setup, self.failure, self.flow)

    async def bench(self, setup: Setup, plan: BenchPlan) -> BenchResult:
        self.asked.append(("bench", plan))
        await self._answer()
        return bench_result(setup, plan)

    async def weights(
        self, setup: Setup, path: str = "", *, below: bool = False
    ) -> tuple[TensorStats, ...]:
        self.asked.append(("weights", path))
        await self._answer()
        return tuple(each for each in self.tensors if below or each.module == path)

    async def source(self, setup: Setup, path: str) -> Source:
        self.asked.append(("source", path))
        await self._answer()
        return Source(owner="net.Net", file="/home/me/net.py", first_line=16, text=SOURCE)

    async def checkpoint(self, path: str) -> Checkpoint:
        self.asked.append(("checkpoint", path))
        await self._answer()
        return Checkpoint(
            path=path,
            format="safetensors",
            tensors=(
                StoredTensor(path="head.weight", dtype="bfloat16", shape=(2, 8), count=16, size=32),
                StoredTensor(path="head.bias", dtype="float32", shape=(2,), count=2, size=8),
            ),
            globals=("os.system",),
        )

    async def check(self, setup: Setup, plan: CheckPlan) -> CheckResult:
        self.asked.append(("check", plan))
        await self._answer()
        return CheckResult(
            setup=setup,
            title="Net",
            findings=self.findings,
            ran=50,
            skipped=(SkippedRule(code="NN808", reason="no sweep was measured"),),
            loss=plan.loss,
            task=plan.task,
            seconds=0.4,
        )

    async def _answer(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self._cancelled.clear()
        waits = [asyncio.create_task(event.wait()) for event in (self.gate, self._cancelled)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._cancelled.is_set():
            raise Cancelled("cancelled")

    def cancel(self, *, trace: bool = False) -> None:
        self._cancelled.set()

    async def restart(self) -> None:
        self.asked.append(("restart", None))
        self.tell(Starting(4243))
        self.become_ready()

    async def close(self) -> None:
        self.closed = True


async def settle(pilot: Pilot[None]) -> None:
    """Wait until what was asked is answered, or held back by the client's gate, and drawn."""
    session = pilot.app.screen_stack[0].session  # type: ignore[attr-defined]
    for _ in range(100):
        await pilot.pause()
        if not session.client.gate.is_set():
            break
        if not session.is_busy and not session.asides.is_busy:
            break
    await pilot.pause()


@asynccontextmanager
async def running(
    client: FakeClient, target: str | None = "resnet-small", size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    """The app with a client, settled."""
    app = NninspectApp(client, Setup(target=target) if target else None)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot


def text_of(pilot: Pilot[None]) -> str:
    """What the terminal shows, without styles."""
    height = pilot.app.size.height
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])


def tree_of(pilot: Pilot[None]) -> object:
    """The model of the layer tree that is shown."""
    return pilot.app.screen_stack[0].query_one("#tree").model  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal for every test, whatever runs them."""
    for name in ("NO_COLOR", "TMUX", "STY", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(asides, "PAUSE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture(autouse=True)
def own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a test keeps is no part of the user's past."""
    monkeypatch.setattr("nninspect.history.past.default_folder", lambda: tmp_path / "data")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def no_collections_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an app keeps for good would be kept beyond its test."""
    for module in (app, showing):
        monkeypatch.setattr(module, "garbage", Mock(spec=garbage))


@pytest.fixture(autouse=True)
def no_files_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picker of a test sees no files but its own."""
    monkeypatch.setattr("nninspect.ui.screens.picker.found_models", lambda folder: ())


@pytest.fixture
def ui() -> ModuleType:
    """This module, for tests to take its helpers from."""
    return sys.modules[__name__]
