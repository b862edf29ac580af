"""Having every call of a Python function go elsewhere for a while, whoever holds the function."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

_TARGET = "the list whose only item is called"
"""The constant of `_stand_in` that the list takes the place of.

A list, which holds the plain function in the end: code may live on in the traceback of what was
raised in it, and the garbage collector does not look into code for what leads back to that.
"""


def _stand_in(*args: Any, **kwargs: Any) -> Any:
    target: Any = "the list whose only item is called"
    return target[0](*args, **kwargs)


class Redirection:
    """From when it is made until it `ends`, whoever calls `function` calls what `make` returned;
    `make` is given a function that does what the other one did before.

    The code of the function is exchanged. Setting `nn.Module.__call__` instead has each of its
    hundreds of subclasses forget what it cached (130 µs a forward that is looked at), and misses
    what holds the function already, as a module bound by `torch.compile` does.
    """

    def __init__(
        self, function: FunctionType, make: Callable[[FunctionType], Callable[..., Any]]
    ) -> None:
        self._function, self._code = function, function.__code__
        self._plain = FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        self._plain.__kwdefaults__ = function.__kwdefaults__
        self._target = [make(self._plain)]
        function.__code__ = _leading_to(self._target, self._code.co_freevars)

    def ends(self) -> None:
        """The function is itself again."""
        self._function.__code__ = self._code
        self._target[0] = self._plain  # for a thread that is on its way there


def _leading_to(target: list[Callable[..., Any]], free_names: tuple[str, ...]) -> CodeType:
    """Code that calls what the list holds; it has the names of a closure and looks at none."""
    code = _stand_in.__code__
    constants = tuple(target if each == _TARGET else each for each in code.co_consts)
    return code.replace(co_consts=constants, co_freevars=free_names)
