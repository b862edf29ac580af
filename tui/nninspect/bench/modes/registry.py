"""Modes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nninspect.bench.modes.autocast import Autocast, autocast
from nninspect.bench.modes.channels_last import ChannelsLast
from nninspect.bench.modes.compiled import Compile
from nninspect.bench.modes.cudagraph import CudaGraph
from nninspect.bench.modes.dtypes import bfloat16, float16, float64
from nninspect.bench.modes.inference import Inference
from nninspect.bench.modes.mode import Mode
from nninspect.bench.modes.threads import threads
from nninspect.bench.modes.train import Train
from nninspect.errors import BadInput

MODES: Mapping[str, Callable[[], Mode]] = {
    "inference": Inference,
    "train": Train,
    "float16": float16,
    "bfloat16": bfloat16,
    "float64": float64,
    "autocast": Autocast,
    "channels_last": ChannelsLast,
    "compile": Compile,
    "cudagraph": CudaGraph,
}

FAMILIES: Mapping[str, Callable[[str], Mode]] = {"threads": threads, "autocast": autocast}
"""Modes with an argument: `threads=4` is `FAMILIES["threads"]("4")`."""


def mode_named(name: str) -> Mode:
    """The mode of that name. Raises BadInput for one that there is none of."""
    family, equals, argument = name.partition("=")
    if equals and family in FAMILIES:
        return FAMILIES[family](argument)
    if name in MODES:
        return MODES[name]()
    known = ", ".join((*MODES, "threads=N", "autocast=DTYPE"))
    raise BadInput(f"{name!r} is not a mode of the benchmark", f"Use --modes with {known}")
