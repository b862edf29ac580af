"""What is measured while a forward runs: which units behind a ReLU are ever active."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from nninspect.doctor.roles import function_of, name_of
from nninspect.engine.dataflow import Dataflow
from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.engine.ops import Op
from nninspect.engine.recorder import Call, Maker, Observer

RELUS = frozenset({"relu", "relu_", "relu6"})


class UnitsWatch(Observer):
    """Per ReLU, in the order they began, which units got something that is not below 0.

    What is exactly 0 is not dead: a residual branch that starts at 0 will move. In-place
    functions have overwritten what they got, so that nothing is held against their units.
    """

    def __init__(self) -> None:
        self.active: list[torch.Tensor] = []
        """One flag a unit: a channel of an image, else a place in the last dimension."""

    def called(self, call: Call, given: Sequence[torch.Tensor]) -> None:
        if given and is_leaf_of_torch(call.module) and name_of(call.module) in RELUS:
            self.active.append(_active(given[0]))

    def done(
        self,
        op: Op,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        flow: Dataflow[Maker],
    ) -> None:
        options = {**{str(place): value for place, value in enumerate(args)}, **kwargs}
        if not args or not isinstance(args[0], torch.Tensor):
            return
        if function_of(op.name, options) in RELUS:
            self.active.append(_active(args[0]))


def _active(values: torch.Tensor) -> torch.Tensor:
    """Which units are not below 0 anywhere; NaN is another rule's."""
    if torch._C._functorch.is_functorch_wrapped_tensor(values):  # one of many at once
        return torch.ones(1, dtype=torch.bool)
    unit = 1 if values.dim() >= 4 else values.dim() - 1
    others = [dim for dim in range(values.dim()) if dim != unit]
    alive = ~(values.detach() < 0)
    return alive.amax(others) if others else alive
