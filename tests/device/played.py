"""Benchmarks a model on the CPU and on the played device, and prints the result as JSON.

    python played.py FOLDER-FOR-THE-BUILD BATCH,BATCH LIMIT-IN-BYTES

A process of its own: a device that was registered once stays.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import torch
from torch.utils.cpp_extension import load

from nninspect.bench import clock, layers, limits
from nninspect.bench.run import bench
from nninspect.engine.session import Session
from nninspect.history.files import encode
from nninspect.protocol.bench_plan import BenchPlan
from nninspect.protocol.records import InputSpec, Setup

NAME = "played"


def register(folder: str) -> types.ModuleType:
    """The device as `torch.played`, with what CUDA's module has of memory."""
    source = Path(__file__).with_name("played.cpp")
    built = load("played_device", [str(source)], build_directory=folder, extra_cflags=["-O0"])
    module = types.ModuleType(f"torch.{NAME}")
    module.is_available = lambda: True
    module.device_count = lambda: 1
    module.current_device = lambda: 0
    module.set_device = lambda device: None
    module.memory_allocated = lambda device=None: built.used()
    module.memory_reserved = lambda device=None: built.used()
    module.max_memory_allocated = lambda device=None: built.most()
    module.max_memory_reserved = lambda device=None: built.most()
    module.reset_peak_memory_stats = lambda device=None: built.forget()
    module.mem_get_info = lambda device=None: (built.free(), built.free() + built.used())
    module.empty_cache = lambda: None
    module._is_in_bad_fork = lambda: False
    module.manual_seed_all = lambda seed: None
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, module)
    return built


def main(folder: str, batches: str, limit: str) -> None:
    built = register(folder)
    clock.SLOT_S = clock.WARMUP_ACCELERATOR_S = clock.WARMUP_CPU_S = layers.SECONDS = 0.01
    limits.ENOUGH_S, limits.ACCELERATOR_SETS, limits.LARGEST = 0.0, (2**16,), 256
    limits.TRY_S = 0.0
    session = Session()
    held = built.used()
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
    print(json.dumps({"result": known, "held": built.used() - held}))


if __name__ == "__main__":
    main(*sys.argv[1:])
