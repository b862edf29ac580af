"""The tree table: rows to frame, a filter's keystroke and a key to its frame, against the targets.

Run as `python benchmarks/tree.py`. It runs the real app without a terminal; a frame counts as
drawn when its bytes are ready to be written.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from textual import events

from nninspect.client.api import Listener
from nninspect.protocol.bench import BenchResult
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.checkpoint import Checkpoint
from nninspect.protocol.findings import CheckPlan, CheckResult
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import LayerColumns, LayerRow, TensorInfo, pack
from nninspect.protocol.records import Environment, Inspection, Setup, Totals
from nninspect.protocol.source import Source
from nninspect.protocol.weights import TensorStats
from nninspect.ui.app import NninspectApp
from nninspect.ui.look import Picture
from nninspect.ui.messages import Pictured
from nninspect.ui.widgets.layer_tree import LayerTree

SIZE = (200, 50)
TARGETS_MS = {
    "60k rows to frame": 100,
    "60k rows in runs, with edges, to frame": 100,
    "60k rows in short runs to frame": 100,
    "200k rows to frame": 250,
    "filter keystroke, 60k rows, p50": 25,
    "key to frame, p50": 15,
    "key to frame, p99": 35,
}
FILTER = "conv1"
NUMBERS = itertools.count()
"""Each load is of another model: nothing of the one before is kept."""
SETTLE_S = 0.06
"""Between two keys: time for what follows a frame, as scroll bars."""
KEYS = ("down",) * 60 + ("pagedown",) * 20 + ("up",) * 60 + ("space",) * 20


class NoWorker:
    """A client that never has anything to say."""

    environment: Environment | None = None

    async def start(self, listener: Listener) -> None: ...

    async def inspect(self, setup: Setup, *, reload: bool = False) -> Inspection:
        raise NotImplementedError

    async def bench(self, setup: Setup, plan: BenchPlan) -> BenchResult:
        raise NotImplementedError

    async def weights(
        self, setup: Setup, path: str = "", *, below: bool = False
    ) -> tuple[TensorStats, ...]:
        raise NotImplementedError

    async def source(self, setup: Setup, path: str) -> Source:
        raise NotImplementedError

    async def check(self, setup: Setup, plan: CheckPlan) -> CheckResult:
        raise NotImplementedError

    async def checkpoint(self, path: str) -> Checkpoint:
        raise NotImplementedError

    def cancel(self, *, trace: bool = False) -> None: ...

    async def restart(self) -> None: ...

    async def close(self) -> None: ...


class TimedApp(NninspectApp):
    """It notes when a frame's bytes were ready."""

    drawn_at = 0.0

    def _display(self, screen: Any, renderable: Any) -> None:
        if hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console)
        self.drawn_at = time.perf_counter()
        super()._display(screen, renderable)

    @property
    def shown(self) -> tuple[object, ...]:
        """What a key or a load changes in the tree."""
        tree = self.screen.query_one(LayerTree)
        model = tree.model
        return (model, model and (model.query, model.cursor, len(model.rows)))

    async def frame_after(self, began: float, before: tuple[object, ...]) -> float:
        """Milliseconds from then until the first frame after the tree changed."""
        while self.shown == before and time.perf_counter() < began + 1:
            await asyncio.sleep(0)
        changed_at = time.perf_counter()
        while self.drawn_at < changed_at and time.perf_counter() < began + 1:
            await asyncio.sleep(0)
        milliseconds = 1e3 * (self.drawn_at - began)
        await asyncio.sleep(SETTLE_S)
        return milliseconds


def rows(count: int, run: int = 0) -> Iterator[LayerRow]:
    """Blocks of convolutions and norms, five modules each, a stage every hundred blocks.

    With `run`, every so many blocks of a stage are of equal structure.
    """
    parts = (("conv1", "Conv2d"), ("norm1", "BatchNorm2d"), ("act", "ReLU"), ("conv2", "Conv2d"))
    channels = [(TensorInfo("", (1, 8 * width, 32, 32), "float32"),) for width in range(1, 9)]
    yield LayerRow(name="", path="", type="Network", depth=0, total_parameters=count * 2304)
    made = 1
    for stage in range(count):
        yield LayerRow(name=f"stage{stage}", path="", type="Sequential", depth=1)
        made += 1
        for block in range(100):
            yield LayerRow(
                name=str(block),
                path="",
                type="ResidualBlock",
                depth=2,
                signature=run and 1 + block // run,
            )
            for number, (name, kind) in enumerate(parts):
                yield LayerRow(
                    name=name,
                    path="",
                    type=kind,
                    depth=3,
                    inputs=channels[(block + number) % 8],
                    outputs=channels[(block + number + 1) % 8],
                    own_parameters=2304,
                    total_parameters=2304,
                    trainable_parameters=2304,
                    mult_adds=2304 * 1024,
                    calls=1,
                    dtype="float32",
                    device="cpu",
                    extra=f"{8 * (block % 8 + 1)}, kernel_size=(3, 3)",
                )
            made += 5
            if made >= count:
                return


def inspection(columns: LayerColumns) -> Inspection:
    totals = Totals(
        modules=columns.count,
        parameters=1,
        trainable=1,
        buffers=0,
        parameter_bytes=4,
        buffer_bytes=0,
    )
    setup = Setup(target=f"network {next(NUMBERS)}", dtype="float32")
    return Inspection(setup=setup, title="Network", inputs_from="", layers=columns, totals=totals)


async def load(app: TimedApp, count: int, run: int = 0) -> float:
    made = list(rows(count, run))
    edges = [(row - 1, row) for row in range(len(made))] if run else []
    found = inspection(pack(made, edges))
    gc.collect()
    before, began = app.shown, time.perf_counter()
    app.screen.post_message(Pictured(Picture(found, LayerTable(found.layers)), "open"))
    return await app.frame_after(began, before)


async def press(app: TimedApp, key: str) -> float:
    before, began = app.shown, time.perf_counter()
    app.post_message(events.Key(key, key if len(key) == 1 else None))
    return await app.frame_after(began, before)


async def measure() -> dict[str, float]:
    app = TimedApp(NoWorker(), Setup(target="nothing"))
    found: dict[str, float] = {}
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await load(app, 1_000)
        found["200k rows to frame"] = min([await load(app, 200_000) for _ in range(3)])
        found["60k rows to frame"] = min([await load(app, 60_000) for _ in range(3)])
        in_runs = "60k rows in runs, with edges, to frame"
        found["60k rows in short runs to frame"] = min([await load(app, 60_000, 4) for _ in "123"])
        found[in_runs] = min([await load(app, 60_000, 100) for _ in "123"])
        found["every run opened, to frame"] = await press(app, "u")
        found["every fold opened, to frame"] = await press(app, "Z")
        app.post_message(events.Key("slash", "/"))
        await pilot.pause(0.2)
        typed = [await press(app, key) for key in FILTER]
        typed += [await press(app, key) for key in ("backspace",) * len(FILTER)]
        found["filter keystroke, 60k rows, p50"] = statistics.median(typed)
        found["filter keystroke, 60k rows, worst"] = max(typed)
        await press(app, "escape")
        pressed = sorted([await press(app, key) for key in KEYS])
        found["key to frame, p50"] = statistics.median(pressed)
        found["key to frame, p99"] = pressed[int(0.99 * len(pressed))]
    return found


def main() -> int:
    found = asyncio.run(measure())
    for name, value in found.items():
        target = TARGETS_MS.get(name)
        against = f"{value / target:6.2f} of {target} ms" if target else ""
        print(f"{name:38} {value:7.1f} ms  {against}")
    return int(any(found[name] > target for name, target in TARGETS_MS.items()))


if __name__ == "__main__":
    sys.exit(main())
