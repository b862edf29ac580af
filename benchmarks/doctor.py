"""What a check costs, beside an inspection of the same model.

    python benchmarks/doctor.py

CPU times of one run of this script, the two sides in turn, the least of several: whatever else the
machine does only adds to it. The model is built before both.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from nninspect.doctor.catalog import all_rules
from nninspect.doctor.check import of_model
from nninspect.doctor.deadline import Deadline
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.runner import run_rules
from nninspect.doctor.source import Source
from nninspect.engine.examine import examine
from nninspect.engine.load import Loaded, load
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.records import InputSpec, Setup

CPU = torch.device("cpu")
SECONDS = 600.0
TARGET = "3x"


def quiet(stage: str, fraction: float | None) -> None:
    """Hears of progress and tells nobody."""


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def check(loaded: Loaded, setup: Setup) -> None:
    """All rules, on evidence gathered anew."""
    bare = Evidence(setup, CheckPlan(seconds=SECONDS), Deadline(SECONDS), Source())
    run_rules(all_rules(), of_model(bare, loaded, CPU, quiet), quiet)


def times(loaded: Loaded, setup: Setup, runs: int = 7) -> tuple[float, float]:
    """The least of a check and of an inspection, in seconds, taken in turn."""
    sides = (
        lambda: check(loaded, setup),
        lambda: examine(loaded, setup, CPU, quiet),
    )
    for side in sides:
        side()
    taken = [[seconds(side) for side in sides] for _ in range(runs)]
    checks, looks = zip(*taken, strict=True)
    return min(checks), min(looks)


def row(what: str, figure: str, target: str, more: str = "") -> None:
    print(f"{what:<44}{figure:>10}  {target:<8}{more}".rstrip())


def bundled(name: str) -> None:
    loaded = load(name)
    assert loaded.card is not None
    took, look = times(loaded, Setup(target=name, inputs=loaded.card.inputs))
    row(f"check of {name} / inspection", f"{took / look:.1f}x", TARGET, f"{1000 * took:.0f} ms")


def stack(depth: int) -> float:
    """Print the ratio for so many layers; the seconds of a check."""
    parts = [nn.Sequential(nn.Linear(32, 32), nn.LayerNorm(32), nn.ReLU()) for _ in range(depth)]
    loaded = Loaded(nn.Sequential(*parts), None, None, 0.0)
    setup = Setup(target="it", inputs=(InputSpec((4, 32)),))
    took, look = times(loaded, setup)
    ratio = f"{took / look:.1f}x"
    row(f"check of {4 * depth + 1:,} modules / inspection", ratio, TARGET, f"{1000 * took:.0f} ms")
    return took


if __name__ == "__main__":
    row("what", "measured", "target")
    torch.set_num_threads(1)
    for name in ("mlp-module", "cnn-digits", "resnet-small", "transformer-encoder"):
        bundled(name)
    small, large = stack(25), stack(100)
    row("growth from 101 to 401 modules", f"{large / small:.1f}x", "4.5x")
