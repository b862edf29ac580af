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
    losses,
    norms,
    products,
    recurrent,
    shapes,
)
from nninspect.engine.failures.facts import Facts

Family = Callable[[Facts], str]

_OF_THE_CODE: tuple[Family, ...] = (
    arguments.no_forward,
    arguments.several_returned,
    arguments.attribute,
    arguments.never_set,
    arguments.not_callable,
    arguments.held_under_another_key,
    arguments.calls_itself,
)
"""What no other input would mend."""

_OF_THE_INPUT: tuple[Family, ...] = (
    devices.out_of_memory,
    devices.device,
    arguments.signature,
    arguments.nothing_returned,
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
    shapes.einsum,
    dtypes.dtype,
    dtypes.indices,
    dtypes.unsupported,
    lookups.index,
    lookups.unpacking,
    lookups.taken_apart,
    losses.cross_entropy,
    autograd.in_place,
)
"""The most certain first: each looks at the operands, the message, or both."""


def suggestion(facts: Facts) -> str:
    """What to change, with the number to write; "" where nothing certain can be said."""
    return _first(_OF_THE_CODE, facts) or _first(_OF_THE_INPUT, facts)


def is_of_the_code(facts: Facts) -> bool:
    """Whether the model would fail whatever it is fed."""
    return bool(_first(_OF_THE_CODE, facts))


def _first(families: tuple[Family, ...], facts: Facts) -> str:
    return next((said for family in families if (said := family(facts))), "")
