"""What a device can do at most, measured: a matrix product, copies, and the smallest layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import nn

from nninspect.bench.backend import Backend
from nninspect.bench.clock import Call, back_to_back, timed
from nninspect.engine.garbage import no_collections
from nninspect.protocol.roofline import Bandwidth, Limits

ENOUGH_S = 0.01
"""A product that takes so long is large enough."""
SMALLEST, LARGEST = 256, 8192
"""Rows and columns of the product."""
TRIES = 5
TRY_S = 2.5e-3
"""About what one of them takes, where its calls are back to back."""

CPU_SETS = (2**20, 2**23, 2**26)
ACCELERATOR_SETS = (2**25, 2**28)
"""Bytes of working sets: about the sizes of the caches that are met, and beyond them."""

LAUNCHES = 200


def measured(
    device: torch.device, dtype: torch.dtype, threads: int, backend: Backend
) -> Limits | None:
    """The limits with the threads as they are set now; None where the device can't multiply in
    that dtype, or has no room to."""
    try:
        with torch.inference_mode(), no_collections():
            return Limits(
                device=str(device),
                dtype=str(dtype).removeprefix("torch."),
                threads=threads,
                flops_per_s=flops_per_s(device, dtype, backend),
                bandwidths=tuple(bandwidths(device, backend)),
                launch_s=launch_s(device, dtype, backend),
            )
    except RuntimeError:  # no kernel for it, or out of memory
        return None


def flops_per_s(device: torch.device, dtype: torch.dtype, backend: Backend) -> float:
    """Of the best of a few products, square, and large enough to be told apart from a launch. Of
    normal numbers: equal ones take a GPU less power, and so less time."""
    size = SMALLEST
    while True:
        left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        out = torch.empty_like(left)

        best = fastest_s(partial(torch.mm, left, right, out=out), backend)
        if best >= ENOUGH_S or size >= LARGEST:
            return 2 * size**3 / best
        size *= 2


def bandwidths(device: torch.device, backend: Backend) -> Iterator[Bandwidth]:
    """Of copies within the device, by the bytes that are read and written."""
    for size in CPU_SETS if device.type == "cpu" else ACCELERATOR_SETS:
        source = torch.ones(size // 2, dtype=torch.uint8, device=device)
        target = torch.empty_like(source)

        yield Bandwidth(size, size / fastest_s(partial(target.copy_, source), backend))


def fastest_s(call: Call, backend: Backend) -> float:
    """Seconds of a call, the best of a few tries. Where the device queues, of calls back to back:
    alone, a short one would be told by its launch and by the wait for it."""
    timed(call, backend)  # the first of a size looks for its algorithm
    once = timed(call, backend)
    calls = max(1, int(TRY_S / once)) if backend.queues else 1
    return min(back_to_back(call, backend, calls) for _ in range(TRIES))


def launch_s(device: torch.device, dtype: torch.dtype, backend: Backend) -> float:
    """Seconds that a layer takes at least, whatever it computes: the best mean of many."""
    layer = nn.Linear(1, 1, device=device, dtype=dtype)
    x = torch.ones(1, 1, device=device, dtype=dtype)
    back_to_back(lambda: layer(x), backend, LAUNCHES)
    return min(back_to_back(lambda: layer(x), backend, LAUNCHES) for _ in range(TRIES))
