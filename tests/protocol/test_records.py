"""The records: what they derive from what they hold."""

from __future__ import annotations

import pytest

from nninspect import errors
from nninspect.protocol.records import InputSpec, Problem


def every_error(root: type[errors.NninspectError]) -> list[type[errors.NninspectError]]:
    return [root, *(found for child in root.__subclasses__() for found in every_error(child))]


@pytest.mark.parametrize("kind", every_error(errors.NninspectError))
def test_an_error_crosses_the_pipe_unchanged(kind: type[errors.NninspectError]) -> None:
    error = kind("what", "do", where="a.b", details="trace", choices=("x", "y"))
    back = Problem.of(error).error()
    assert type(back) is kind
    assert (back.args, vars(back)) == (error.args, vars(error))


def test_an_unknown_kind_of_error_is_still_an_error() -> None:
    assert type(Problem(kind="SystemExit", message="m").error()) is errors.NninspectError


def test_another_batch_changes_one_dimension_and_a_scalar_not_at_all() -> None:
    assert InputSpec((5, 1, 3), batch_dim=1).with_batch(8).shape == (5, 8, 3)
    assert InputSpec(()).with_batch(8).shape == ()
