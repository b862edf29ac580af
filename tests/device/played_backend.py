"""The played devices as a backend that torch loads by itself, so in any process.

torch looks for `torch.backends` entry points when it is imported; `PLAYED_BUILD` names the folder
of the build, `PLAYED_LIMIT` the bytes of each device.
"""

from __future__ import annotations

import importlib.util
import os
import types
from pathlib import Path
from typing import Any

import torch

NAME = "played"
LIBRARY = "played_devices"


def load() -> None:
    """What the entry point names."""
    built = register(os.environ["PLAYED_BUILD"])
    if limit := os.environ.get("PLAYED_LIMIT"):
        built.limit(int(limit))


def build(folder: str) -> None:
    """Compile the devices there, unless that was done."""
    from torch.utils.cpp_extension import load as compiled

    source = Path(__file__).with_name("played.cpp")
    compiled(
        LIBRARY,
        [str(source)],
        build_directory=folder,
        extra_cflags=["-O0"],
        is_python_module=False,  # imported below, once
    )


def _imported(folder: str) -> Any:
    spec = importlib.util.spec_from_file_location(LIBRARY, Path(folder, f"{LIBRARY}.so"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def register(folder: str) -> Any:
    """The devices as `torch.played`, with what CUDA's module has of memory."""
    built = _imported(folder)

    def index(device: Any = None) -> int:
        given = torch.device(device).index if device is not None else None
        return built.current() if given is None else given

    module = types.ModuleType(f"torch.{NAME}")
    module.is_available = lambda: True
    module.device_count = built.count
    module.current_device = built.current
    module.set_device = lambda device: built.set(index(device))
    module.memory_allocated = lambda device=None: built.used(index(device))
    module.memory_reserved = lambda device=None: built.used(index(device))
    module.max_memory_allocated = lambda device=None: built.most(index(device))
    module.max_memory_reserved = lambda device=None: built.most(index(device))
    module.reset_peak_memory_stats = lambda device=None: built.forget(index(device))
    module.mem_get_info = lambda device=None: (
        built.free(index(device)),
        built.free(index(device)) + built.used(index(device)),
    )
    module.empty_cache = lambda: None
    module._is_in_bad_fork = lambda: False
    module.get_rng_state = lambda device=None: torch.empty(0, dtype=torch.uint8)
    module.set_rng_state = lambda state, device=None: None
    module.manual_seed_all = lambda seed: None
    torch.utils.rename_privateuse1_backend(NAME)
    torch._register_device_module(NAME, module)
    return built
