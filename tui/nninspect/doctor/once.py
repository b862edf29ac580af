"""Evidence that is made when it is first asked for, and kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Keeper(Protocol):
    """What keeps the results of its methods."""

    known: dict[object, Any]


def once(method: Callable[..., _Result]) -> Callable[..., _Result]:
    """A method whose result is kept, however the arguments are written."""
    signature = inspect.signature(method)

    @wraps(method)
    def made_once(self: Keeper, *args: Any, **kwargs: Any) -> _Result:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        key = (method, *bound.args[1:], *bound.kwargs.values())
        if key not in self.known:
            self.known[key] = method(self, *args, **kwargs)
        result: _Result = self.known[key]
        return result

    return made_once
