"""What a model needs of a device's memory, to run and to be trained: measured parts, summed.

Weights, gradients and optimizer state follow from the parameters alone. What a forward keeps for
its backward is measured on one real or meta forward; the peak of an inference is worked out from
which call made how much and which used it last. What is assumed is said in the result.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from nninspect.engine.cgroup import memory_left
from nninspect.engine.structure import size_bytes
from nninspect.engine.tensors import dtype_name
from nninspect.protocol.memory import DtypeBytes, Memory

TRAINING_ASSUMED = (
    "gradients and optimizer state are in the dtype of the weights",
    "the gradients of activations, freed as the backward goes, are not counted",
)
INFERENCE_ASSUMED = ("a tensor is freed after its last use",)

UNABLE = (RuntimeError, AttributeError, TypeError)
"""What a device's module raises where it can't do what others can."""


def estimate(
    by_dtype: Iterable[DtypeBytes],
    trainable: int,
    inputs: int,
    peak_activations: int,
    kept_activations: int | None = None,
    measured_batch: int = 1,
    batch: int = 1,
) -> Memory:
    """The estimate at `batch`, from what was measured at `measured_batch`.

    Inputs and activations are taken to grow with the batch; weights and buffers do not.
    """
    found = list(by_dtype)
    assumed = [*INFERENCE_ASSUMED, *(TRAINING_ASSUMED if kept_activations is not None else ())]
    if batch != measured_batch:
        assumed.append(f"activations grow with the batch, from those of batch {measured_batch}")

    def grown(size: int) -> int:
        return -(-size * batch // measured_batch)

    return Memory(
        batch=batch,
        weights=sum(each.parameters for each in found),
        trainable=trainable,
        buffers=sum(each.buffers for each in found),
        inputs=grown(inputs),
        peak_activations=grown(peak_activations),
        kept_activations=None if kept_activations is None else grown(kept_activations),
        assumed=tuple(assumed),
        by_dtype=tuple(found),
    )


def bytes_by_dtype(model: nn.Module) -> tuple[DtypeBytes, ...]:
    """Parameters and buffers, the largest first; what is on meta has its size all the same."""
    parameters: dict[str, int] = defaultdict(int)
    buffers: dict[str, int] = defaultdict(int)
    for tensors, sums in ((model.parameters(), parameters), (model.buffers(), buffers)):
        for tensor in tensors:
            sums[dtype_name(tensor.dtype)] += size_bytes(tensor)
    found = [DtypeBytes(name, parameters[name], buffers[name]) for name in parameters | buffers]
    return tuple(sorted(found, key=lambda each: -(each.parameters + each.buffers)))


def trainable_bytes(model: nn.Module) -> int:
    """Of the parameters that get a gradient."""
    return sum(size_bytes(p) for p in model.parameters() if p.requires_grad)


def peak_bytes(
    made: Sequence[int], edges: Iterable[tuple[int, int]], kept: Collection[int] = ()
) -> int:
    """The most bytes alive at once, of calls in the order they ran.

    `made[i]` is what call i made itself: 0 for a view, which keeps alive what it views. `edges`
    are (maker, user) pairs; the outputs of the calls in `kept` live to the end.
    """
    users: dict[int, list[int]] = defaultdict(list)
    for maker, user in edges:
        users[maker].append(user)
    end = len(made) - 1
    last = [0] * len(made)
    for call in range(end, -1, -1):
        uses = (last[user] if made[user] == 0 else user for user in users[call])
        last[call] = end if call in kept else max(uses, default=call)
    freed_after: dict[int, int] = defaultdict(int)
    for call, size in enumerate(made):
        freed_after[last[call]] += size
    alive = peak = 0
    for call, size in enumerate(made):
        alive += size
        peak = max(peak, alive)
        alive -= freed_after[call]
    return peak


class Made(Protocol):
    """A recorded call, and the bytes of the tensors that it made itself."""

    @property
    def output_bytes(self) -> int: ...


def recorded_peak(steps: Sequence[Made], edges: Iterable[tuple[object | None, object]]) -> int:
    """The peak of a recorded forward: its steps in the order they began, and who used whose.

    What none of them used is taken for an output of the model, and lives to the end.
    """
    places = {id(step): place for place, step in enumerate(steps)}
    pairs = [
        (places[id(maker)], places[id(user)])
        for maker, user in edges
        if id(maker) in places and id(user) in places
    ]
    used = {maker for maker, user in pairs if user > maker}
    kept = [place for place in range(len(steps)) if place not in used]
    return peak_bytes([step.output_bytes for step in steps], pairs, kept)


def kept_for_backward(
    model: nn.Module, run: Callable[[], Any], inputs: Iterable[Tensor] = ()
) -> int:
    """Bytes that one forward keeps for its backward, each storage once, without weights,
    buffers and inputs.

    `run` calls the model, in train mode; call it where the model is restored afterwards. On the
    meta device it costs no memory.
    """
    known = {key for t in (*model.parameters(), *model.buffers(), *inputs) if (key := _key(t))}
    storages: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        key = _key(tensor)
        if key and key not in known:
            storages[key] = tensor.untyped_storage()  # held, so that none takes its place
        return tensor.detach()  # itself, an output would hold the graph that holds it, for good

    with torch.enable_grad(), saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    kept = sum(int(storage.nbytes()) for storage in storages.values())
    del result
    return kept


def _key(tensor: Tensor) -> int:
    """The identity of its storage; 0 where it has none of its own, as a sparse or lazy one."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, ValueError):
        return 0


def free_bytes(device: torch.device) -> int | None:
    """What is free on a device now; None where it can't be told. Of the CPU: the machine's memory,
    or what the control group leaves of it where that is less. Of an accelerator: the driver's, and
    what torch keeps there for tensors to come."""
    if device.type != "cpu":
        return _free_on_accelerator(device)
    known = [free for free in (_available(), memory_left()) if free is not None]
    return min(known, default=None)


def _free_on_accelerator(device: torch.device) -> int | None:
    module: Any = getattr(torch, device.type, None)
    try:
        free, _ = module.mem_get_info(device)
        cached = module.memory_reserved(device) - module.memory_allocated(device)
    except UNABLE:
        return None
    return int(free + cached)


def _available() -> int | None:
    """As Linux estimates it: free, and what its caches can give up. Elsewhere all there is, for
    want of what is free."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            sizes = dict(line.split(":", 1) for line in lines)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
