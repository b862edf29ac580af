"""Inference through `torch.compile`, and what became of it: compiled, in part, or not at all."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from nninspect.bench.modes.forward import forward_of
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject

RECOMPILE_LIMIT = 64
"""One compilation a batch size is wanted; at torch's own limit of 8 the rest would run eager."""

NO_CC = "Failed to find C compiler"
"""How Triton words it, once it needs one."""


class Counts(NamedTuple):
    """Of torch's compiler since the process began."""

    frames: int
    compiled: int
    graphs: int
    breaks: int
    cached: int

    def since(self, before: Counts) -> Counts:
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


class Compile:
    """Static shapes, the default backend. Each batch is compiled for itself, before it is timed."""

    name = "compile"
    work = "forward"
    changes_model = True

    def prepare(self, subject: Subject) -> Prepared:
        check_compiler(subject.device)
        dynamo: Any = importlib.import_module("torch._dynamo")
        model: Any = torch.compile(subject.model, dynamic=False)
        forward = forward_of(model, subject.arguments)
        before = counts()
        # torch 2.6 has no `recompile_limit` yet, and later ones know this name, too
        with dynamo.config.patch(cache_size_limit=RECOMPILE_LIMIT), torch.inference_mode():
            compile_s = _first(forward)
        labels = tuple(fallbacks(counts().since(before)))
        is_eager = EAGER in labels
        return Prepared(
            (Step("forward", forward),),
            torch.inference_mode,
            forward,
            compile_s=compile_s,
            labels=labels,
            config={"engine": "eager" if is_eager else "inductor"},
        )


EAGER = "nothing was compiled: this row ran eager"


def fallbacks(found: Counts) -> Iterator[str]:
    """What to say of one compilation."""
    if not found.compiled or not found.graphs:
        # A model that opts out leaves a frame that is "ok", with no graph in it.
        yield EAGER
    elif found.compiled < found.frames:
        lost = found.frames - found.compiled
        yield f"{lost} of {found.frames} parts were not compiled and ran eager"
    if found.breaks:
        yield f"the graph broke in {found.breaks} place{'s' if found.breaks > 1 else ''}"
    if found.cached:
        yield "compiled code came from torch's cache on disk: a first compilation takes longer"


def counts() -> Counts:
    """As of now."""
    counters = importlib.import_module("torch._dynamo.utils").counters
    return Counts(
        counters["frames"]["total"],
        counters["frames"]["ok"],
        counters["stats"]["unique_graphs"],
        sum(counters["graph_break"].values()),
        counters["inductor"]["fxgraph_cache_hit"] + counters["aot_autograd"]["autograd_cache_hit"],
    )


def check_compiler(device: torch.device) -> None:
    """Raises NotHere where the tools are missing that the compiler makes its code with."""
    if not importlib.import_module("torch._dynamo").is_dynamo_supported():
        raise NotHere("torch.compile does not support this Python or system")
    if device.type == "cpu":
        _check_cxx()
    elif device.type in ("cuda", "xpu") and not _has_triton():
        raise NotHere(f"no Triton that works, which torch.compile needs on {device.type}")


def _check_cxx() -> None:
    builder = importlib.import_module("torch._inductor.cpp_builder")
    missing = importlib.import_module("torch._inductor.exc").InvalidCxxCompiler
    try:
        builder.get_cpp_compiler()
    except missing:
        raise NotHere("no C++ compiler, which torch.compile needs on the CPU (g++)") from None


def _has_triton() -> bool:
    return bool(importlib.import_module("torch.utils._triton").has_triton())


def _first(forward: Callable[[], object]) -> float:
    """Seconds of the first forward, compilation included, without what the device does after."""
    started = time.perf_counter()
    try:
        forward()
    except RuntimeError as error:
        if NO_CC not in str(error):
            raise
        raise NotHere(
            "no C compiler, which Triton needs for what torch.compile makes (gcc)"
        ) from error
    return time.perf_counter() - started
