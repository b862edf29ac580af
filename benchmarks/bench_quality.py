"""How far the benchmark can be believed, beside torch.utils.benchmark on the same calls.

    python benchmarks/bench_quality.py [--minutes M]

Every line is a ratio or a share of one run of this script. The machine's own noise is part of
what is measured; the stressor is one busy process beside. Several calls are timed at once, as the
benchmark times the configurations of a plan: each of theirs is a round in every second or more, and
the peer has the same seconds for each call, one after the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from random import Random

import torch
from redraws import drawing
from torch import nn
from torch.utils.benchmark import Timer

from nninspect.bench import estimate
from nninspect.bench.backend import CpuBackend
from nninspect.bench.candidate import failure
from nninspect.bench.clock import sample
from nninspect.bench.contender import Contender
from nninspect.bench.layers import layer_times
from nninspect.bench.machine import fair_threads
from nninspect.bench.rounds import (
    APART_S,
    QUICK_ROUNDS,
    ROUND_S,
    ROUNDS,
    Limits,
    Machine,
    Rounds,
)
from nninspect.bench.verdict import judge
from nninspect.protocol.bench import Quality
from nninspect.protocol.bench_figures import Latency
from nninspect.protocol.bench_plan import Key

Call = Callable[[], object]
RUNS = 8
"""Of a kind, at least: an IQR of fewer says nothing."""
SHARES = {"latency": 0.4, "same": 0.2, "same stressed": 0.1, "stress": 0.3}
"""Of the minutes."""
MAX_TIME_S = 30.0
"""Of a plan's rounds."""
REDRAWS_S = 20.0
"""The rounds of the app's own benchmark last longer."""
SHAPES = ((64, 16, 1), (256, 16, 4), (512, 64, 4), (1024, 64, 4))
"""Width, batch and depth of the perceptrons that are timed at once: from 10 µs to some ms."""


@dataclass(frozen=True)
class Measured:
    """One call, as the benchmark tells it."""

    latency: Latency
    quality: Quality

    @property
    def verdict(self) -> str:
        return self.quality.verdict


def network(width: int = 256, batch: int = 16, depth: int = 4) -> tuple[nn.Module, Call]:
    """A perceptron and one forward of it."""
    layers = [nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(depth)]
    model = nn.Sequential(*layers).eval()
    x = torch.randn(batch, width)

    def call() -> object:
        with torch.inference_mode():
            return model(x)

    return model, call


def spread(calls: list[Call]) -> list[Measured]:
    """As a plan is measured: a round a second, or farther apart beside a neighbour."""
    apart_s = min(APART_S, MAX_TIME_S / ROUNDS)
    return _rounds(calls, Limits(ROUNDS, MAX_TIME_S, ROUND_S, apart_s))


def quick(calls: list[Call]) -> list[Measured]:
    """As a quick plan is: back to back."""
    return _rounds(calls, Limits(QUICK_ROUNDS, MAX_TIME_S, round_s=0.0, apart_s=0.0))


def _rounds(calls: list[Call], limits: Limits) -> list[Measured]:
    backend, reads = CpuBackend(), Machine()
    keys = [Key("cpu", 1, f"{number}") for number in range(len(calls))]
    contenders = [
        Contender(key, backend, call, nullcontext) for key, call in zip(keys, calls, strict=True)
    ]
    for each in contenders:
        each.warm_up()
    Rounds(
        contenders,
        limits,
        failed=lambda contender, error: failure(error, "rounds"),
        tell=lambda progress: None,
        reads=reads,
        random=Random(),
    ).run()
    return [measured(each, reads.fastest) for each in contenders]


def measured(contender: Contender, fastest_s: float) -> Measured:
    samples = contender.samples
    found = estimate.latency(
        contender.settled(fastest_s), samples, contender.per_sample, contender.warmth.calls
    )
    return Measured(found, judge(found, samples))


def peer(call: Call, seconds: float) -> float:
    """The median of torch.utils.benchmark in the same time and with the same threads."""
    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=seconds).median


def ratio_of(pair: list[Measured]) -> tuple[float, float, float]:
    """Ours of two calls: the paired ratio and its interval."""
    ratios = [
        first.median_s / second.median_s
        for first, second in zip(pair[0].latency.kept, pair[1].latency.kept, strict=True)
    ]
    found = estimate.interval(ratios)
    return statistics.median(ratios), found.low, found.high


def iqr(values: list[float]) -> float:
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / statistics.median(values)


def busy() -> None:
    while True:
        sum(range(10_000))


@contextmanager
def stressor() -> Iterator[None]:
    """One busy process beside, on any core."""
    process = multiprocessing.get_context("fork").Process(target=busy, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def line(what: str, found: str, target: str, theirs: str = "–") -> None:
    print(f"{what:<58}{found:>16}{target:>16}{theirs:>18}", flush=True)


def share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f} % of {of}" if of else "none"


def same_latency(calls: list[Call], deadline: float) -> None:
    """Ours over the peer's, and how far repeated runs of each are apart, at equal wall time."""
    ours_s: list[list[float]] = [[] for _ in calls]
    theirs_s: list[list[float]] = [[] for _ in calls]
    trusted, reasons = [], Counter[str]()
    while len(ours_s[0]) < RUNS or time.monotonic() < deadline:
        began = time.monotonic()
        found = spread(calls)
        wall = time.monotonic() - began
        for place, (call, each) in enumerate(zip(calls, found, strict=True)):
            ours_s[place].append(each.latency.median_s)
            theirs_s[place].append(peer(call, wall / len(calls)))
            reasons.update(each.quality.reasons)
            if each.verdict == "trusted":
                trusted.append(ours_s[place][-1] / theirs_s[place][-1])
    count = sum(map(len, ours_s))
    paired = f"{statistics.median(trusted):.3f}" if trusted else "no trusted run"
    line(f"median / its median, in {share(len(trusted), count)} trusted", paired, "0.97–1.03")
    every = statistics.median(
        one / other
        for row, others in zip(ours_s, theirs_s, strict=True)
        for one, other in zip(row, others, strict=True)
    )
    line("median / its median, in all", f"{every:.3f}", "–")
    why = ", ".join(f"{reason} {times}" for reason, times in reasons.most_common())
    print(f"  not trusted for: {why or 'nothing'}", flush=True)
    ratios = [iqr(one) / iqr(other) for one, other in zip(ours_s, theirs_s, strict=True)]
    theirs = statistics.geometric_mean(iqr(each) for each in theirs_s)
    line(
        f"run-to-run IQR over its IQR, {len(calls)} calls, {len(ours_s[0])} runs each",
        f"{statistics.geometric_mean(ratios):.2f}x",
        "1.0x",
        f"{100 * theirs:.1f} % IQR",
    )


def same_against_same(call: Call, deadline: float, where: str) -> None:
    """A difference claimed where there is none; the peer has the same time, for one call after
    the other, and its claim is 5 % between two medians."""
    claimed = wrong = runs = 0
    interleaved, sequential = [], []
    while runs < RUNS or (runs < 40 and time.monotonic() < deadline):
        began = time.monotonic()
        pair = quick([call, call])
        wall = time.monotonic() - began
        ratio, low, high = ratio_of(pair)
        usable = all(each.verdict != "untrusted" for each in pair)
        claimed += usable and not low <= 1 <= high
        first, second = peer(call, wall / 2), peer(call, wall / 2)
        wrong += abs(first / second - 1) > 0.05
        interleaved.append(ratio)
        sequential.append(first / second)
        runs += 1
    what = f"A against A, {where}"
    line(f"{what}: a difference is claimed", share(claimed, runs), "5 %", share(wrong, runs))
    ours, theirs = iqr(interleaved), iqr(sequential)
    line(
        f"{what}: ratio's IQR over the sequential",
        f"{ours / theirs:.2f}x",
        "0.6x",
        f"{100 * theirs:.1f} % IQR",
    )


def under_stress(calls: list[Call], minutes: int) -> None:
    """What a busy neighbour does to the verdict, and to the interval: it is to hold the median of
    all rounds of its minute."""
    holds: list[bool] = []
    trusted = 0
    with stressor():
        for _ in range(minutes):
            ends = time.monotonic() + 60
            found: list[list[Measured]] = []
            while time.monotonic() < ends:
                found.append(spread(calls))
            for runs in zip(*found, strict=True):
                latencies = [run.latency for run in runs]
                whole = statistics.median(each.median_s for of in latencies for each in of.kept)
                holds += [each.ci_low_s <= whole <= each.ci_high_s for each in latencies]
                trusted += sum(run.verdict == "trusted" for run in runs)
    line("stressed: the interval holds its minute's median", share(sum(holds), len(holds)), "85 %")
    line("stressed: not called trusted", share(len(holds) - trusted, len(holds)), "95 %")


def beside_redraws(call: Call, threads: int, target: str) -> None:
    """A call's slots while the app draws a benchmark's progress, over those while it is stopped."""
    torch.set_num_threads(threads)
    ratios = []
    with drawing() as app:
        ends = time.monotonic() + REDRAWS_S
        while time.monotonic() < ends:
            app.stop()
            stopped = statistics.median(sample(call, CpuBackend(), 1, 1.0))
            app.go_on()
            time.sleep(0.3)  # what was held up is drawn at once
            drawn = statistics.median(sample(call, CpuBackend(), 1, 1.0))
            ratios.append(drawn / stopped)
    found = estimate.interval(ratios)
    cost = 100 * (statistics.median(ratios) - 1)
    line(
        f"beside the app drawing, {threads} thread(s), {len(ratios)} pairs",
        f"{cost:+.1f} %",
        target,
        f"{100 * (found.low - 1):+.1f} to {100 * (found.high - 1):+.1f} %",
    )


def layers(model: nn.Module, call: Call) -> None:
    found = layer_times(call, model, CpuBackend())
    assert found is not None
    own = sum(each.self_s for each in found.layers)
    whole = own + found.unattributed_s
    root = next(each.total_s for each in found.layers if each.path == "")
    error = abs(own - root) / whole
    line("layers: own times + unattributed / instrumented whole - 1", f"{error:.2%}", "0.5 %")
    line("layers: instrumented over plain", f"{found.instrumented_over_plain:.2f}x", "–")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="about so long (default: 10)")
    seconds = 60 * parser.parse_args().minutes
    deadline = {name: seconds * part for name, part in SHARES.items()}
    every = fair_threads()
    fewer = max(1, every - 1)  # a core for the rest of the system, or no window is a quiet one
    torch.set_num_threads(fewer)
    model, call = network()
    calls = [network(*shape)[1] for shape in SHAPES]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {fewer} then {every} threads")
    line("what", "measured", "target", "torch.benchmark")
    layers(model, call)
    same_latency(calls, time.monotonic() + deadline["latency"])
    torch.set_num_threads(every)
    same_against_same(call, time.monotonic() + deadline["same"], "alone")
    with stressor():
        same_against_same(call, time.monotonic() + deadline["same stressed"], "stressed")
    under_stress(calls, max(1, round(deadline["stress"] / 60)))
    for threads, target in ((1, "1 %"), (every, "3 %")):
        beside_redraws(calls[2], threads, target)


if __name__ == "__main__":
    main()
