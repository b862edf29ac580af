"""Every request gets exactly one answer, whatever the user's code does."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from nninspect.errors import BadTarget, ForwardFailed
from nninspect.protocol.messages import (
    Benched,
    Checked,
    DescribeWeights,
    Failed,
    Inspected,
    Progress,
    ReadSource,
    SourceRead,
    WeightsDescribed,
)
from nninspect.protocol.records import Problem, Setup
from nninspect.worker.dispatch import PROGRESS_S
from nninspect.worker.engine import Report


def raising(error: BaseException) -> Any:
    def work(progress: Report) -> NoReturn:
        raise error

    return work


def problem_of(harness: Any) -> Problem:
    [failed] = harness.sent
    assert isinstance(failed, Failed)
    return failed.problem


def test_an_inspect_is_answered_with_the_inspection(harness: Any) -> None:
    harness.ask_inspect(7, reload=True)
    [answer] = harness.sent
    assert isinstance(answer, Inspected)
    assert (answer.request_id, answer.inspection.title) == (7, "Net")
    assert harness.reloads == [True]


def test_a_bench_is_answered_with_the_result_of_the_same_session(harness: Any) -> None:
    harness.ask_bench(8)
    [answer] = harness.sent
    assert isinstance(answer, Benched)
    assert answer.request_id == 8


def test_a_check_is_answered_with_the_result_of_the_same_session(harness: Any) -> None:
    harness.ask_check(9)
    [answer] = harness.sent
    assert isinstance(answer, Checked)
    assert answer.request_id == 9


def test_weights_are_answered_with_the_tensors_of_the_path(harness: Any) -> None:
    harness.ask(DescribeWeights(request_id=9, setup=Setup(target="t"), path="a.b", below=True))
    [answer] = harness.sent
    assert isinstance(answer, WeightsDescribed)
    assert (answer.request_id, answer.tensors[0].path) == (9, "a.b.Net.below")


def test_a_source_is_answered_with_that_of_the_path(harness: Any) -> None:
    harness.ask(ReadSource(request_id=9, setup=Setup(target="t"), path="a.b"))
    [answer] = harness.sent
    assert isinstance(answer, SourceRead)
    assert (answer.request_id, answer.source.owner) == (9, "a.b: Net")


def test_an_error_for_the_user_keeps_all_it_says(harness: Any) -> None:
    error = ForwardFailed("bad shapes", "transpose", where="a.b", details="trace", choices=("c",))
    harness.work = raising(error)
    harness.ask_inspect()
    assert problem_of(harness) == Problem.of(error)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "error",
    [KeyError("k"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError()],
)
def test_any_other_error_is_a_failure_of_nninspect_itself(
    harness: Any, error: BaseException
) -> None:
    harness.work = raising(error)
    harness.ask_inspect()
    problem = problem_of(harness)
    assert problem.kind == "NninspectError"
    assert problem.message.startswith(f"nninspect itself failed: {type(error).__name__}")
    assert "raise error" in problem.details


def test_an_error_that_can_not_be_printed_is_answered_all_the_same(harness: Any) -> None:
    harness.work = raising(Unprintable())
    harness.ask_inspect()
    assert "Unprintable" in problem_of(harness).message


def test_a_result_that_can_not_be_sent_is_a_failure(harness: Any) -> None:
    harness.unsendable = "Inspected"
    harness.ask_inspect(5)
    assert harness.answers() == [("Failed", 5)]
    assert problem_of(harness).kind == "ProtocolError"


def test_a_failure_does_not_end_the_dispatcher(harness: Any) -> None:
    harness.work = raising(BadTarget("no"))
    harness.ask_inspect(1)
    harness.work = lambda progress: "Net"
    harness.ask_inspect(2)
    assert harness.answers() == [("Failed", 1), ("Inspected", 2)]


def test_progress_is_sent_ten_times_a_second_at_most(harness: Any) -> None:
    def work(progress: Report) -> None:
        for step in range(1000):
            harness.now = step / 1000
            progress("timing", step / 1000)

    harness.work = work
    harness.ask_bench(3)
    sent = [message for message in harness.sent if isinstance(message, Progress)]
    assert len(sent) == pytest.approx(1 / PROGRESS_S, abs=1)
    assert {message.request_id for message in sent} == {3}


def test_a_new_stage_is_always_sent(harness: Any) -> None:
    def work(progress: Report) -> None:
        for stage in ("loading", "loading", "running", "asking"):
            progress(stage, None)

    harness.work = work
    harness.ask_inspect()
    sent = [message.stage for message in harness.sent if isinstance(message, Progress)]
    assert sent == ["loading", "running", "asking"]
