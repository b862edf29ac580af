"""Calls of a function go elsewhere and come back, whoever holds it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from nninspect.engine.redirect import Redirection


def test_every_holder_of_a_function_is_led_elsewhere_and_back() -> None:
    offset = 10

    def add(one: int, two: int = 2, *, three: int = 3) -> int:
        return offset + one + two + three  # a closure, and defaults of both kinds

    class Held:
        method = add

    told: list[tuple[Any, ...]] = []

    def telling(plain: Callable[..., Any]) -> Callable[..., Any]:
        def tell(*args: Any, **kwargs: Any) -> Any:
            told.append((args, kwargs))
            return plain(*args, **kwargs)

        return tell

    code, holder = add.__code__, [add]
    outer, inner = Redirection(add, telling), Redirection(add, telling)
    assert holder[0](1) == Held.method(1, three=3) == 16
    assert told == [((1,), {}), ((1,), {}), ((1,), {"three": 3}), ((1,), {"three": 3})]
    inner.ends()
    assert add(5, 6, three=7) == 28
    outer.ends()
    assert (add(1), add.__code__, len(told)) == (16, code, 5)


def test_what_a_traceback_leads_to_can_be_collected() -> None:
    def plain() -> None: ...

    class Recorder:
        error: BaseException | None = None

        def fail(self) -> None:
            raise KeyError

    recorder = Recorder()
    redirection = Redirection(plain, lambda _, fail=recorder.fail: fail)
    try:
        plain()
    except KeyError as error:
        recorder.error = error
    redirection.ends()
    alive = weakref.ref(recorder)
    del recorder, redirection
    gc.collect()
    assert alive() is None


def test_what_the_other_function_raises_is_raised() -> None:
    def plain() -> None: ...

    def failing(_: Callable[..., Any]) -> Callable[..., Any]:
        def fail(self: int) -> None:
            raise KeyError(self)

        return fail

    redirection = Redirection(plain, failing)
    with pytest.raises(KeyError, match="3"):
        plain(self=3)  # type: ignore[call-arg]
    redirection.ends()
    plain()
