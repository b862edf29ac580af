"""What is measured while a forward runs: which units behind a ReLU are ever active."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from nninspect.doctor.roles import name_of
from nninspect.engine.dataflow import Dataflow
from nninspect.engine.ops import Op
from nninspect.engine.recorder import Call, Maker, Observer, is_leaf_of_torch

RELUS = frozenset({"relu", "relu_", "relu6"})


class UnitsWatch(Observer):
    """Per ReLU, in the order they ended, which units were above 0."""

    def __init__(self) -> None:
        self.active: list[torch.Tensor] = []
        """One flag a unit: a channel, or the last dimension where there are three or two."""

    def done(
        self,
        op: Op,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        flow: Dataflow[Maker],
    ) -> None:
        if op.name in RELUS and args and isinstance(args[0], torch.Tensor):
            self.active.append(_active(args[0]))

    def gave(
        self, call: Call, found: Sequence[tuple[str, torch.Tensor]], flow: Dataflow[Maker]
    ) -> None:
        if found and is_leaf_of_torch(call.module) and name_of(call.module) in RELUS:
            self.active.append(_active(found[0][1]))


def _active(values: torch.Tensor) -> torch.Tensor:
    """Which units are above 0 anywhere: before and after a ReLU the same ones."""
    unit = 1 if values.dim() >= 4 else values.dim() - 1
    others = [dim for dim in range(values.dim()) if dim != unit]
    return (values > 0).amax(others) if others else values > 0
