"""Inference replayed from a CUDA graph: the kernels without the host that launches them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import cache

import torch

from nninspect.bench.modes.forward import forward_of
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject
from nninspect.engine.blame import user_line
from nninspect.engine.lost_device import end

WARMUP = 3
"""Calls on the side stream before the capture: cuBLAS and cuDNN choose and allocate in them."""

WAITS = "called a synchronizing CUDA operation"
"""How torch words a call that waits for the device where that is forbidden."""


class CudaGraph:
    """What the device could do if the host were never in the way."""

    name = "cudagraph"
    work = "forward"
    changes_model = True

    def prepare(self, subject: Subject) -> Prepared:
        if subject.device.type != "cuda":
            raise NotHere(f"CUDA only: {subject.device} has no CUDA graphs")
        device = subject.device
        with torch.inference_mode(), torch.cuda.device(device):
            torch.cuda.reset_peak_memory_stats(device)
            held = torch.cuda.memory_allocated(device)
            started = time.perf_counter()
            graph, output = _captured(subject)
            torch.cuda.synchronize(device)
            compile_s = time.perf_counter() - started
            holds = torch.cuda.max_memory_allocated(device) - held

        def replayed() -> object:
            graph.replay()
            return output

        return Prepared(
            (Step("forward", replayed),),
            torch.inference_mode,
            replayed,
            compile_s=compile_s,
            holds_bytes=holds,
            config={"engine": "cudagraph"},
            close=graph.reset,
        )


def _captured(subject: Subject) -> tuple[torch.cuda.CUDAGraph, object]:
    forward, device = forward_of(subject.model, subject.arguments), subject.device
    side = _side_stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARMUP):
            forward()
        _rehearse(forward, device)
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    output, failed = _capture(graph, forward, side, device)
    if failed is not None and not isinstance(failed, torch.OutOfMemoryError):
        raise NotHere(f"its forward can't be captured as a graph: {_said(failed)}") from failed
    if failed is not None:
        raise failed
    return graph, output


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """One for good: each that meets cuBLAS gets a workspace that stays. torch's own stream for
    captures is of the device that was captured on first."""
    return torch.cuda.Stream(device)


def _rehearse(forward: Callable[[], object], device: torch.device) -> None:
    """Raises NotHere for a forward that waits for the device, as no graph does. Found out before
    the capture, since torch does not recover from one that breaks off."""
    before, asked = torch.cuda.get_sync_debug_mode(), torch.cuda.is_current_stream_capturing
    torch.cuda.is_current_stream_capturing = lambda: True  # some forwards ask, and then don't wait
    try:
        _forbid_waiting(2)
        forward()
    except RuntimeError as error:
        if WAITS not in str(error):
            raise
        raise NotHere(
            f"its forward waits for {device}, and a graph can't: {user_line(error)}".rstrip(": ")
        ) from error
    finally:
        _forbid_waiting(before)
        torch.cuda.is_current_stream_capturing = asked


def _forbid_waiting(mode: int) -> None:
    with warnings.catch_warnings():  # that this mode does not notice everything
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode(mode)


def _capture(
    graph: torch.cuda.CUDAGraph,
    forward: Callable[[], object],
    side: torch.cuda.Stream,
    device: torch.device,
) -> tuple[object, RuntimeError | None]:
    """The output that a replay fills, or what the forward raised.

    Ends the process where the capture can't be ended either: from then on torch keeps memory, and
    may count random numbers, as if it still went on.
    """
    output, failed = None, None
    try:
        with torch.cuda.graph(graph, stream=side):
            try:
                output = forward()
            except RuntimeError as error:
                failed = error
    except RuntimeError as error:
        end(device, f"the capture of its forward as a graph broke off: {_said(failed or error)}")
    return output, failed


def _said(error: RuntimeError) -> str:
    line, said = user_line(error), str(error).strip().partition("\n")[0]
    return f"{said} ({line})" if line else said
