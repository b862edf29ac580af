"""The supervisor ends as the worker did, and reads and writes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nninspect.worker import supervisor

SUPERVISOR = (sys.executable, "-I", "-S", str(Path(supervisor.__file__)))


@contextmanager
def supervised(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*SUPERVISOR, *command],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_it_ends_with_the_exit_code_of_the_worker(code: int) -> None:
    with supervised("sh", "-c", f"exit {code}") as process:
        assert process.wait(60) == code


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGABRT", "SIGTERM", "SIGINT", "SIGBUS"])
def test_it_ends_by_the_signal_that_killed_the_worker(name: str) -> None:
    with supervised("sh", "-c", f"kill -{name[3:]} $$") as process:
        assert process.wait(60) == -signal.Signals[name]


def test_the_worker_has_its_streams_to_itself() -> None:
    with supervised("sh", "-c", "read a; echo $a; echo to stderr >&2") as process:
        process.stdin.write(b"first\n")
        assert process.wait(60) == 0
        assert process.stdout.read() == b"first\n"
        assert process.stderr.read() == b"to stderr\n"


def test_a_closed_stdin_ends_it_though_bytes_are_still_unread() -> None:
    with supervised("sleep", "60") as process:
        process.stdin.write(b"unread")
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_asks_for_the_end_ends_it(number: signal.Signals) -> None:
    with supervised("sh", "-c", "echo up; sleep 60") as process:
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == -number


def test_a_worker_that_kills_its_own_group_does_not_hit_the_supervisor() -> None:
    with supervised("sh", "-c", "trap '' TERM; kill -TERM 0; exit 7") as process:
        assert process.wait(60) == 7


def test_a_command_that_can_not_be_started_is_named() -> None:
    with supervised("/nowhere/python") as process:
        assert process.wait(60) == supervisor.CANNOT_START
        assert process.stderr.read() == b"/nowhere/python: No such file or directory\n"


def test_children_that_end_while_the_worker_runs_are_not_left_as_zombies() -> None:
    many = "for i in 1 2 3 4 5; do (true &) ; done; sleep 0.2; ps -o stat= --ppid $PPID"
    with supervised("sh", "-c", many) as process:
        assert process.wait(60) == 0
        assert b"Z" not in process.stdout.read()
