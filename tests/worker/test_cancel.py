"""A cancel stops the request it names, and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nninspect.errors import ForwardFailed
from nninspect.protocol.messages import Failed
from nninspect.worker.engine import Report


@contextmanager
def from_another_thread(action: Callable[[], None], *, after: float = 0.05) -> Iterator[None]:
    """As the thread that reads does it."""
    timer = threading.Timer(after, action)
    timer.start()
    yield
    timer.join()


def kinds(harness: Any) -> list[str]:
    return [
        message.problem.kind if isinstance(message, Failed) else type(message).__name__
        for message in harness.sent
    ]


def spin(progress: Report) -> None:
    while True:
        pass


def sleep(progress: Report) -> None:
    time.sleep(60)


def spin_through_every_exception(progress: Report) -> None:
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            continue


def swallow_the_interrupt(progress: Report) -> str:
    try:
        time.sleep(60)
    except BaseException:
        return "half a result"
    return "never"


def turn_the_interrupt_into_an_error(progress: Report) -> None:
    try:
        time.sleep(60)
    except BaseException as error:
        raise ForwardFailed("the user's own") from error


@pytest.mark.parametrize(
    "work",
    [
        spin,
        sleep,
        spin_through_every_exception,
        swallow_the_interrupt,
        turn_the_interrupt_into_an_error,
    ],
)
def test_a_running_request_is_cancelled(harness: Any, work: Callable[[Report], Any]) -> None:
    harness.work = work
    with from_another_thread(lambda: harness.cancels.cancel(1)):
        harness.ask_inspect(1)
    assert kinds(harness) == ["Cancelled"]


def test_the_next_request_runs_to_its_end(harness: Any) -> None:
    harness.work = spin
    with from_another_thread(lambda: harness.cancels.cancel(1)):
        harness.ask_inspect(1)
    harness.work = lambda progress: progress("on", None)
    harness.ask_inspect(2)
    assert kinds(harness) == ["Cancelled", "Progress", "Inspected"]


def test_a_request_cancelled_while_it_waits_never_runs(harness: Any) -> None:
    harness.cancels.expect(1)
    harness.cancels.cancel(1)
    harness.work = lambda progress: pytest.fail("it ran")
    harness.ask_inspect(1)
    assert kinds(harness) == ["Cancelled"]


@pytest.mark.parametrize("stale", [0, 1, 3])
def test_a_cancel_of_another_request_changes_nothing(harness: Any, stale: int) -> None:
    harness.ask_inspect(1)
    harness.work = lambda progress: harness.cancels.cancel(stale)
    harness.ask_inspect(2)
    assert kinds(harness) == ["Inspected", "Inspected"]


def test_a_stray_interrupt_changes_nothing(harness: Any) -> None:
    harness.work = lambda progress: os.kill(os.getpid(), signal.SIGINT)
    harness.ask_inspect(1)
    os.kill(os.getpid(), signal.SIGINT)
    assert kinds(harness) == ["Inspected"]


def test_user_code_that_took_the_signal_is_stopped_at_its_next_progress(harness: Any) -> None:
    def work(progress: Report) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            progress("on", None)

    harness.work = work
    with from_another_thread(lambda: harness.cancels.cancel(1)):
        harness.ask_inspect(1)
    assert kinds(harness)[-1] == "Cancelled"


def test_the_signal_works_again_for_the_next_request(harness: Any) -> None:
    harness.work = lambda progress: signal.signal(signal.SIGINT, signal.SIG_IGN)
    harness.ask_inspect(1)
    harness.work = sleep
    with from_another_thread(lambda: harness.cancels.cancel(2)):
        harness.ask_inspect(2)
    assert kinds(harness) == ["Inspected", "Cancelled"]


def test_an_interrupt_never_breaks_into_the_clean_up_after_itself(harness: Any) -> None:
    cleaned: list[str] = []

    def work(progress: Report) -> None:
        try:
            time.sleep(60)
        finally:
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGINT)
            cleaned.append("all of it")

    harness.work = work
    with from_another_thread(lambda: harness.cancels.cancel(1)):
        harness.ask_inspect(1)
    assert cleaned == ["all of it"]


def test_a_message_is_never_broken_off_in_the_middle(harness: Any) -> None:
    whole: list[bool] = []

    def slow_send(message: object) -> None:
        harness.cancels.cancel(1)
        time.sleep(0.01)
        whole.append(True)

    def work(progress: Report) -> None:
        harness.send, usual = slow_send, harness.send
        try:
            progress("on", None)
        finally:
            harness.send = usual
        pytest.fail("it was not cancelled")

    harness.work = work
    harness.dispatcher._send = lambda message: harness.send(message)
    harness.ask_inspect(1)
    assert whole == [True]
    assert kinds(harness) == ["Cancelled"]


@pytest.fixture
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_take_turns_often")
def test_cancels_at_any_moment_leave_one_answer_to_each_request(harness: Any) -> None:
    requests = 300
    stop = threading.Event()

    def cancel_all_the_time() -> None:
        while not stop.is_set():
            for request_id in range(requests):
                harness.cancels.cancel(request_id)

    thread = threading.Thread(target=cancel_all_the_time)
    thread.start()
    try:
        for request_id in range(requests):
            harness.work = lambda progress: [progress("on", n) for n in range(50)]
            harness.ask_inspect(request_id)
    finally:
        stop.set()
        thread.join()
    assert [request for _, request in harness.answers()] == list(range(requests))
    assert set(kinds(harness)) <= {"Cancelled", "Inspected", "Progress"}
    assert "Cancelled" in kinds(harness)
