"""How far the benchmark can be believed, beside torch.utils.benchmark on the same calls.

    python benchmarks/bench_quality.py [--minutes M]

Every line is a ratio or a share of one run of this script. The machine's own noise is part of
what is measured; the stressor is one busy process beside.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from random import Random

import torch
from torch import nn
from torch.utils.benchmark import Timer

from nninspect.bench import estimate
from nninspect.bench.backend import CpuBackend
from nninspect.bench.candidate import failure
from nninspect.bench.contender import Contender
from nninspect.bench.layers import layer_times
from nninspect.bench.machine import fair_threads
from nninspect.bench.rounds import Limits, Machine, Rounds
from nninspect.bench.verdict import judge
from nninspect.protocol.bench import Key, Latency

Call = Callable[[], object]
SECONDS = 2.0
"""Of rounds, each time something is measured: what the peer gets as well."""


@dataclass(frozen=True)
class Measured:
    """One call, as the benchmark tells it."""

    latency: Latency
    verdict: str


def network(width: int = 256, depth: int = 4) -> tuple[nn.Module, Call]:
    """A perceptron and one forward of it."""
    layers = [nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(depth)]
    model = nn.Sequential(*layers).eval()
    x = torch.randn(16, width)

    def call() -> object:
        with torch.inference_mode():
            return model(x)

    return model, call


def ours(calls: list[Call], seconds: float = SECONDS) -> list[Measured]:
    """Interleaved rounds over the calls; so many seconds for each of them."""
    backend, reads = CpuBackend(), Machine()
    keys = [Key("cpu", 1, f"{number}") for number in range(len(calls))]
    contenders = [
        Contender(key, backend, call, nullcontext) for key, call in zip(keys, calls, strict=True)
    ]
    for each in contenders:
        each.warm_up()
    limits = Limits(rounds=10, max_time_s=1.5 * seconds * len(calls), round_s=0.0)
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
    return Measured(found, judge(found, samples).verdict)


def peer(call: Call, seconds: float = SECONDS) -> float:
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


def same_latency(call: Call, deadline: float) -> None:
    """Ours over the peer's in pairs, and how far repeated runs of each are apart."""
    ratios, ours_s, theirs_s, trusted = [], [], [], 0
    while len(ours_s) < 5 or time.monotonic() < deadline:
        (found,), theirs = ours([call]), peer(call)
        ours_s.append(found.latency.median_s)
        theirs_s.append(theirs)
        if found.verdict == "trusted":
            trusted += 1
            ratios.append(found.latency.median_s / theirs)
    paired = f"{statistics.median(ratios):.3f}" if ratios else "no trusted run"
    line(f"median / its median, in {share(trusted, len(ours_s))} trusted", paired, "0.97–1.03")
    spread = iqr(ours_s) / iqr(theirs_s)
    line(
        f"run-to-run IQR over its IQR, {len(ours_s)} runs each",
        f"{spread:.2f}x",
        "1.0x",
        f"{100 * iqr(theirs_s):.1f} % IQR",
    )


def same_against_same(call: Call, deadline: float) -> None:
    """A difference claimed where there is none; the peer's claim is 5 % between two medians."""
    claimed = wrong = runs = 0
    interleaved, sequential = [], []
    while runs < 8 or (runs < 40 and time.monotonic() < deadline):
        pair = ours([call, call], SECONDS / 2)
        ratio, low, high = ratio_of(pair)
        usable = all(each.verdict != "untrusted" for each in pair)
        claimed += usable and not low <= 1 <= high
        first, second = peer(call, SECONDS / 2), peer(call, SECONDS / 2)
        wrong += abs(first / second - 1) > 0.05
        interleaved.append(ratio)
        sequential.append(first / second)
        runs += 1
    line("A against A: a difference is claimed", share(claimed, runs), "5 %", share(wrong, runs))
    spread = iqr(interleaved) / iqr(sequential)
    line("interleaved ratio's IQR over the sequential one's", f"{spread:.2f}x", "0.6x")


def under_stress(call: Call, deadline: float) -> None:
    """What a busy neighbour does to the interval and the verdict."""
    holds = trusted = runs = 0
    with stressor():
        (long,) = ours([call], min(60.0, max(10.0, (deadline - time.monotonic()) / 2)))
        truth = long.latency.median_s
        while runs < 5 or time.monotonic() < deadline:
            (found,) = ours([call])
            holds += found.latency.ci_low_s <= truth <= found.latency.ci_high_s
            trusted += found.verdict == "trusted"
            runs += 1
    line("stressed: the interval holds the long median", share(holds, runs), "85 %")
    line("stressed: not called trusted", share(runs - trusted, runs), "95 %")


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
    parser.add_argument("--minutes", type=float, default=6.0, help="about so long (default: 6)")
    part = 20 * parser.parse_args().minutes
    torch.set_num_threads(fair_threads())
    model, call = network()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} threads"
    )
    line("what", "measured", "target", "torch.benchmark")
    layers(model, call)
    same_latency(call, time.monotonic() + part)
    same_against_same(call, time.monotonic() + part)
    under_stress(call, time.monotonic() + part)


if __name__ == "__main__":
    main()
