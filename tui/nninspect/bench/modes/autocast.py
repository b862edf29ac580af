"""Inference under autocast: float32 weights, and torch's choice of ops in a lower precision."""

from __future__ import annotations

import warnings

import torch

from nninspect.bench.modes.forward import forward_of
from nninspect.bench.modes.instructions import slow_dtype
from nninspect.bench.modes.mode import NotHere, Prepared, Step, Subject
from nninspect.engine.inputs import dtype_named
from nninspect.engine.tensors import dtype_name
from nninspect.errors import BadInput

DTYPES = ("float16", "bfloat16")


class Autocast:
    """Entered anew for each forward, as a program does: weights are cast every time."""

    work = "forward"
    changes_model = False

    def __init__(self, dtype: str | None = None) -> None:
        self.name = "autocast" if dtype is None else f"autocast={dtype}"
        self._dtype = dtype

    def prepare(self, subject: Subject) -> Prepared:
        kind = subject.device.type
        if not torch.amp.is_autocast_available(kind):
            raise NotHere(f"torch has no autocast for {kind}")
        dtype = self._dtype or dtype_name(torch.get_autocast_dtype(kind))
        _check(kind, dtype_named(dtype))
        slow = slow_dtype(subject.device, dtype)
        plain, lower = forward_of(subject.model, subject.arguments), dtype_named(dtype)

        def forward() -> object:
            with torch.autocast(kind, lower):
                return plain()

        return Prepared(
            (Step("forward", forward),),
            torch.inference_mode,
            forward,
            labels=(slow,) if slow else (),
            config={"autocast": dtype},
        )


def _check(kind: str, dtype: torch.dtype) -> None:
    """Where torch does not support the dtype it warns, and goes on without autocast."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            context = torch.autocast(kind, dtype)
        except RuntimeError as error:
            raise NotHere(f"no autocast to {dtype_name(dtype)} on {kind}: {error}") from None
        with context:
            if not torch.is_autocast_enabled(kind):
                raise NotHere(f"torch has no autocast to {dtype_name(dtype)} on {kind}")


def autocast(argument: str) -> Autocast:
    """`autocast=float16`. Raises BadInput unless it is a dtype of autocast."""
    if argument not in DTYPES:
        raise BadInput(f"there is no autocast to {argument!r}", f"Use autocast={DTYPES[1]}")
    return Autocast(argument)
