"""A warning stands at the user's line, once for a recorded forward and a plain one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from nninspect.engine.recorder import CallRecorder
from nninspect.engine.user_warnings import tell_at_users_lines

Told = list[tuple[str, int]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """File and line of each warning that comes out."""
    found: Told = []

    def keep(message: object, category: object, filename: str, lineno: int, *_: object) -> None:
        found.append((filename, lineno))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", keep)
        tell_at_users_lines()
        yield found


def forward() -> torch.Tensor:
    return F.softmax(torch.ones(2, 3))


LINE = forward.__code__.co_firstlineno + 1


def recorded() -> None:
    with CallRecorder():
        forward()


def test_a_recorded_forward_tells_it_at_the_users_line(told: Told) -> None:
    recorded()
    assert told == [(__file__, LINE)]


def test_what_a_plain_forward_warns_of_as_well_is_told_once(told: Told) -> None:
    recorded()
    forward()
    forward()
    assert told == [(__file__, LINE)] * 2


def test_what_the_user_wants_to_hear_every_time_is_told_every_time(told: Told) -> None:
    forward()
    forward()
    assert told == [(__file__, LINE)] * 2
