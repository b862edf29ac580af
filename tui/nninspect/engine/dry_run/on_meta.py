"""The mode that a model is built on meta within."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from torch import Tensor
from torch.utils._device import DeviceContext

from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.op_kinds import ATTRIBUTES
from nninspect.engine.dry_run.operands import MOST

_FLOATS = frozenset({"tensor", "as_tensor", "arange", "linspace", "full"})
"""What makes floating numbers that are more than a weight's first values."""


class OnMeta(DeviceContext):
    """`torch.device("meta")` as a context, which knows small tensors of whole numbers: a stride, a
    table of offsets, whether a layer is set up yet."""

    def __init__(self) -> None:
        super().__init__("meta")
        self.values = KnownValues()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        try:
            result, failed = self._plain(func, types, args, kwargs), False
        except (RuntimeError, TypeError):
            failed = True
        if failed:
            return self._answer(func, types, args, kwargs)
        name = getattr(func, "__name__", "")
        if name in ATTRIBUTES:
            self.values.access(func, args, result)
        elif _is_followed(name, result):
            operands = self.values.operands(func, args, kwargs)
            if operands is not None:
                self.values.follow(func, operands, result)
        return result

    def _plain(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return super().__torch_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]

    def _answer(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """With the values that are known, else as it failed."""
        if (operands := self.values.operands(func, args, kwargs)) is not None:
            with suppress(Exception):
                return self.values.answer(func, operands)
        return self._plain(func, types, args, kwargs)


def _is_followed(name: str, result: Any) -> bool:
    if type(result) is not Tensor or not result.is_meta or result.numel() > MOST:
        return False
    return name in _FLOATS or not (result.is_floating_point() or result.is_complex())
