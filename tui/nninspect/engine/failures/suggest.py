"""One sentence that can be acted on, from the family of errors that knows one."""

from __future__ import annotations

from collections.abc import Callable

from nninspect.engine.failures import (
    arguments,
    autograd,
    convolutions,
    devices,
    dtypes,
    lookups,
    norms,
    products,
    recurrent,
    shapes,
)
from nninspect.engine.failures.facts import Facts

Family = Callable[[Facts], str]

_FAMILIES: tuple[Family, ...] = (
    devices.out_of_memory,
    devices.device,
    arguments.no_forward,
    arguments.signature,
    arguments.several_returned,
    arguments.nothing_returned,
    arguments.attribute,
    arguments.not_callable,
    norms.norm,
    lookups.embedding,
    convolutions.convolution,
    convolutions.functional_channels,
    convolutions.too_small,
    recurrent.recurrent,
    products.product,
    shapes.view,
    shapes.broadcast,
    shapes.joining,
    dtypes.dtype,
    dtypes.unsupported,
    lookups.index,
    lookups.unpacking,
    autograd.in_place,
)
"""The most certain first: each looks at the operands, the message, or both."""


def suggestion(facts: Facts) -> str:
    """What to change, with the number to write; "" where nothing certain can be said."""
    return next((said for family in _FAMILIES if (said := family(facts))), "")
