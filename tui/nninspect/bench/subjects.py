"""What a plan comes to: devices, modes and inputs, whose combinations are configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from nninspect.bench.backend import Backend
from nninspect.bench.candidate import Candidate
from nninspect.bench.modes.registry import mode_named
from nninspect.protocol.bench_plan import Key
from nninspect.protocol.records import InputSpec


@dataclass(frozen=True)
class Subjects:
    """The series of a plan, and the facts that all configurations share."""

    target: str
    params: int
    devices: Sequence[torch.device]
    modes: Sequence[str]
    inputs: Sequence[InputSpec]
    threads: int
    build_s: float

    def at(
        self, batches: Sequence[int], backends: Mapping[torch.device, Backend]
    ) -> list[Candidate]:
        """Every series at each batch, in the order of the result."""
        return [
            self.one(device, batch, mode, backends[device])
            for device in self.devices
            for batch in dict.fromkeys(batches)
            for mode in self.modes
        ]

    def one(self, device: torch.device, batch: int, mode: str, backend: Backend) -> Candidate:
        return Candidate(
            Key(str(device), batch, mode),
            mode_named(mode),
            device,
            backend,
            tuple(spec.with_batch(batch) for spec in self.inputs),
        )
