"""The end of a worker in words."""

from __future__ import annotations

import signal

import pytest

from nninspect.client import ending


@pytest.mark.parametrize("number", sorted(set(signal.Signals) - {signal.SIGKILL}))
def test_every_signal_is_named(number: signal.Signals) -> None:
    assert f"was killed by {number.name} (" in ending.died(-number, "").message


def test_an_unknown_signal_is_told_by_its_number() -> None:
    assert ending.died(-99, "").message == "the worker was killed by signal 99"


def test_a_worker_that_never_started_is_told_by_its_last_line() -> None:
    problem = ending.never_started(1, "Traceback\nModuleNotFoundError: No module named 'x'")
    assert problem.message.endswith(
        "could not be started: ModuleNotFoundError: No module named 'x'"
    )
    assert problem.details.startswith("Traceback")
