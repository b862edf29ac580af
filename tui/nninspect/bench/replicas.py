"""The model on every device at once, with the same weights, so that rounds can be interleaved."""

from __future__ import annotations

import copy
import gc
import time
from dataclasses import dataclass

import torch
from torch import nn

from nninspect.bench.backend import Backend
from nninspect.engine.devices import free_cache
from nninspect.engine.structure import size_bytes, walk
from nninspect.engine.unchanged import set_mode


@dataclass(frozen=True)
class Replica:
    """One copy of the model, or the model itself where it is at home."""

    model: nn.Module
    to_device_s: float
    """Seconds of the move, the copy aside; 0 where it is at home."""


class Replicas:
    """Copies are made when they are asked for, and shared by the configurations of a device.

    A mode that changes the model has its own. The session's model is never moved or changed.
    """

    def __init__(self, model: nn.Module, home: torch.device, *, training: bool) -> None:
        self._model = model
        self._home = home
        self._training = training
        self._made: dict[tuple[str, str], Replica] = {}

    def get(self, device: torch.device, owner: str, backend: Backend) -> Replica:
        """The copy on a device; `owner` is the mode that changes it, "" for the shared one.

        Raises what copying or moving raises.
        """
        key = (str(device), owner)
        if key not in self._made:
            self._made[key] = self._make(device, owner, backend)
        return self._made[key]

    def _make(self, device: torch.device, owner: str, backend: Backend) -> Replica:
        if device == self._home and not owner:
            set_mode(self._model, self._training)
            return Replica(self._model, 0.0)
        copied = copy.deepcopy(self._model)
        set_mode(copied, self._training)
        started = time.perf_counter()
        copied.to(device)
        backend.synchronize()
        return Replica(copied, time.perf_counter() - started)

    def forget(self, device: torch.device, owner: str) -> None:
        """Drop a copy, after a configuration of its own failed."""
        if self._made.pop((str(device), owner), None) is not None:
            gc.collect()  # a model or its optimizer may be part of a cycle, and holds its memory
            free_cache(device)

    def forget_others(self, device: torch.device, owner: str) -> None:
        """Drop what a device holds beside the copy of one owner, as far as it is a copy."""
        for name, other in list(self._made):
            if name == str(device) and other != owner:
                self.forget(device, other)

    def stays_on(self, device: torch.device, owner: str) -> int:
        """Bytes of the session's model, where it is on that device beside the owner's copy."""
        return model_bytes(self._model) if owner and device == self._home else 0

    def close(self) -> None:
        """Drop every copy."""
        devices = {torch.device(device) for device, _ in self._made}
        self._made.clear()
        gc.collect()  # as in `forget`
        for device in devices:
            free_cache(device)


def model_bytes(model: nn.Module) -> int:
    """Parameters and buffers, a tied one once."""
    modules = [node.module for node in walk(model) if not node.is_shared]
    tensors = {
        id(tensor): tensor
        for module in modules
        for tensor in (*module._parameters.values(), *module._buffers.values())
        if tensor is not None
    }
    return sum(map(size_bytes, tensors.values()))
