"""Inference replayed from a CUDA graph: the kernels without the host that launches them."""

from __future__ import annotations

import time

import torch

from nninspect.bench.modes.forward import forward_of
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject

WARMUP = 3
"""Calls on the side stream before the capture: cuBLAS and cuDNN choose and allocate in them."""


class CudaGraph:
    """What the device could do if the host were never in the way."""

    name = "cudagraph"
    work = "forward"
    changes_model = True

    def prepare(self, subject: Subject) -> Prepared:
        if subject.device.type != "cuda":
            raise NotHere(f"CUDA only: {subject.device} has no CUDA graphs")
        with torch.inference_mode(), torch.cuda.device(subject.device):
            started = time.perf_counter()
            graph, output = _captured(subject)
            torch.cuda.synchronize(subject.device)
            compile_s = time.perf_counter() - started

        def replayed() -> object:
            graph.replay()
            return output

        return Prepared(
            (Step("forward", replayed),),
            torch.inference_mode,
            replayed,
            compile_s=compile_s,
            config={"engine": "cudagraph"},
            close=graph.reset,
        )


def _captured(subject: Subject) -> tuple[torch.cuda.CUDAGraph, object]:
    forward = forward_of(subject.model, subject.arguments)
    side = torch.cuda.Stream(subject.device)
    side.wait_stream(torch.cuda.current_stream(subject.device))
    with torch.cuda.stream(side):
        for _ in range(WARMUP):
            forward()
    torch.cuda.current_stream(subject.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            output = forward()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        why = str(error).strip().splitlines()[0]
        raise NotHere(f"its forward can't be captured as a graph: {why}") from None
    return graph, output
