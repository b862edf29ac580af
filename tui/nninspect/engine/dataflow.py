"""Which call or op made each living tensor, and so what led from where to where."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import torch

_Maker = TypeVar("_Maker")

_is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
_unwrapped = torch._C._functorch.get_unwrapped
"""What `torch.func` hands to a function is another tensor around the one that it was given."""


class Dataflow(Generic[_Maker]):
    """Makers of tensors, kept for as long as the tensors live, and the edges between makers.

    An edge's maker is None where the tensor is one of the model's own inputs.
    """

    def __init__(self) -> None:
        self.edges: list[tuple[_Maker | None, _Maker]] = []
        self._makers: dict[int, tuple[weakref.ref[torch.Tensor], _Maker | None]] = {}

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether it is an input of the model, or something was seen to make it."""
        return self._known(tensor) is not None

    def maker(self, tensor: torch.Tensor) -> _Maker | None:
        """What made a tensor that it `knows`; None for one of the model's own inputs."""
        return self._makers[id(tensor)][1]

    def _known(
        self, tensor: torch.Tensor
    ) -> tuple[weakref.ref[torch.Tensor], _Maker | None] | None:
        known = self._makers.get(id(tensor))
        if known is None and _is_wrapped(tensor):
            self.same(tensor, _unwrapped(tensor))
            return self._makers.get(id(tensor))
        return known

    def set_inputs(self, tensors: Iterable[torch.Tensor]) -> None:
        """What the model was called with."""
        for tensor in tensors:
            self._keep(tensor, None)

    def used(self, tensors: Iterable[torch.Tensor], by: _Maker) -> None:
        """An edge for each tensor whose maker is known; weights and constants have none."""
        for tensor in tensors:
            if (known := self._known(tensor)) is not None:
                self.edges.append((known[1], by))

    def made(self, tensors: Iterable[torch.Tensor], by: _Maker) -> None:
        """They are this one's now."""
        for tensor in tensors:
            self._keep(tensor, by)

    def changed(self, tensor: torch.Tensor, by: _Maker) -> None:
        """It was written to in place: it and the tensor that it is a view of have a new maker."""
        self._keep(tensor, by)
        if tensor._base is not None:
            self._keep(tensor._base, by)

    def same(self, tensor: torch.Tensor, other: torch.Tensor) -> None:
        """One is the other in another guise, as `x.data` is x."""
        if (known := self._known(other)) is not None:
            self._keep(tensor, known[1])

    def _keep(self, tensor: torch.Tensor, maker: _Maker | None) -> None:
        key, makers = id(tensor), self._makers

        def forget(_: Any) -> None:
            makers.pop(key, None)

        makers[key] = (weakref.ref(tensor, forget), maker)
        if _is_wrapped(tensor):
            self._keep(_unwrapped(tensor), maker)
