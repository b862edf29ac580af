"""Inputs to a device and outputs back, apart from the call between them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nninspect.bench.clock import Call
from nninspect.bench.contender import Transfers
from nninspect.engine.inputs import Arguments, with_each
from nninspect.engine.structure import size_bytes
from nninspect.engine.tensors import tensors_in


def moved(arguments: Arguments, device: torch.device, *, non_blocking: bool = False) -> Arguments:
    """The arguments on a device."""
    return with_each(arguments, lambda tensor: tensor.to(device, non_blocking=non_blocking))


def arguments_bytes(arguments: Arguments) -> int:
    return sum(size_bytes(tensor) for _, tensor in tensors_in(arguments))


def transfers_of(call: Call, host: Arguments, device: torch.device) -> Transfers:
    """What moving inputs and outputs takes, with one more call to have its outputs."""
    last = [tensor for _, tensor in tensors_in(call())]

    def fetch(outputs: Sequence[Tensor] = last) -> None:
        for tensor in outputs:
            tensor.to("cpu")

    def end_to_end() -> None:
        moved(host, device)
        fetch([tensor for _, tensor in tensors_in(call())])

    return Transfers(lambda: moved(host, device), _pinned(host, device), fetch, end_to_end)


def _pinned(host: Arguments, device: torch.device) -> Call | None:
    """Sending from page-locked memory; None where there is none to be had."""
    try:
        pinned = with_each(host, Tensor.pin_memory)
    except RuntimeError:
        return None
    return lambda: moved(pinned, device, non_blocking=True)
