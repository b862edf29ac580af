"""Benchmarks a model on the CPU and on the played device, and prints the result as JSON.

    python played.py FOLDER-OF-THE-BUILD BATCH,BATCH LIMIT-IN-BYTES

A process of its own: a device that was registered once stays.
"""

from __future__ import annotations

import json
import sys
import types
from typing import Any

from played_backend import NAME, register

from nninspect.bench import clock, layers, limits
from nninspect.bench.run import bench
from nninspect.engine.session import Session
from nninspect.history.files import encode
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.records import InputSpec, Inspection, Setup


def main(folder: str, batches: str, limit: str) -> None:
    built = register(folder)
    clock.SLOT_S = clock.WARMUP_ACCELERATOR_S = clock.WARMUP_CPU_S = layers.SECONDS = 0.01
    limits.ENOUGH_S, limits.ACCELERATOR_SETS, limits.LARGEST = 0.0, (2**16,), 256
    limits.TRY_S = 0.0
    session = Session()
    held = built.used(0)
    built.limit(int(limit))
    plan = BenchPlan(
        devices=("cpu", f"{NAME}:0"),
        batches=tuple(map(int, batches.split(","))),
        modes=("inference", "train"),
        quick=True,
        largest_batch=True,
    )
    setup = Setup(target="net.py:Net", inputs=(InputSpec((1, 64)),))
    result = bench(session, setup, plan, lambda *said: None)
    known = json.loads(encode(result))
    found = {"result": known, "held": built.used(0) - held, "looks": looks(session, built)}
    print(json.dumps(found))


def looks(session: Session, built: types.ModuleType) -> dict[str, Any]:
    """There, at a batch that does not fit there, and back."""

    def look(device: str, batch: int) -> Inspection:
        setup = Setup(target="net.py:Net", inputs=(InputSpec((batch, 64)),), device=device)
        return session.inspect(setup, reload=False, progress=lambda *said: None)

    before = built.used(0)
    there = look(f"{NAME}:0", 8)
    resident = built.used(0) - before
    full = look(f"{NAME}:0", 5000)  # its inputs fit once and not twice
    kept = built.used(0) - before
    back = look("cpu", 8)
    assert there.memory is not None
    assert full.failure is not None
    return {
        "failures": [there.failure, back.failure],
        "where": full.failure.where,
        "hint": full.failure.hint,
        "free": there.memory.free,
        "bytes": [resident, kept, built.used(0) - before],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
