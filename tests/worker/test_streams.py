"""User code can neither read the protocol nor write into it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nninspect.protocol.streams import TO_STDERR, TO_STDOUT, without_marks

TAKE = "from nninspect.worker import streams; requests, answers = streams.take()\n"


def run(code: str, *, stdin: bytes = b"", **env: str) -> tuple[bytes, bytes]:
    """What a process whose streams were taken leaves on its stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import os, subprocess, sys\n{TAKE}{code}"],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )
    return done.stdout, without_marks(done.stderr.decode()).encode()


@pytest.mark.parametrize(
    "code",
    [
        "print('text', flush=True)",
        "print('text')",
        "sys.stdout.write('text\\n')",
        "os.write(1, b'text\\n')",
        "os.system('echo text')",
        "subprocess.run(['echo', 'text'])",
        "sys.__stdout__.write('text\\n')",
        "print('text', file=sys.stderr)",
    ],
)
def test_whatever_is_printed_lands_on_stderr(code: str) -> None:
    assert run(code) == (b"", b"text\n")


def test_a_line_shows_at_once_even_when_the_process_then_dies() -> None:
    assert run("print('last words'); os._exit(1)") == (b"", b"last words\n")


def test_what_python_writes_to_stderr_stands_between_marks_in_its_order() -> None:
    code = (
        "print('a'); print('b', file=sys.stderr); print('c'); sys.stderr.write('d\\rd')\n"
        "sys.stderr.flush(); print('e', file=sys.stderr); streams.flush()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys\n{TAKE}{code}"], capture_output=True, check=True
    )
    out, on, off = done.stderr.decode(), TO_STDERR, TO_STDOUT
    assert out == f"a\n{on}b\n{off}c\n{on}d\rd{off}{on}e\n{off}"


def test_the_protocol_goes_on_where_stdout_was() -> None:
    assert run("os.write(answers, os.read(requests, 9))", stdin=b"a request") == (b"a request", b"")


def test_stdin_is_empty_for_user_code_and_what_it_starts() -> None:
    code = "print(sys.stdin.read(), os.read(0, 9), subprocess.check_output(['cat']))"
    assert run(code, stdin=b"a request") == (b"", b" b'' b''\n")


def test_a_forked_child_loses_the_protocol() -> None:
    code = (
        "child = os.fork()\n"
        "os.write(answers, b'child' if not child else b'parent')\n"
        "print(os.read(requests, 9)) if not child else os.waitpid(child, 0)\n"
    )
    assert run(code, stdin=b"a request") == (b"parent", b"b''\n")


def test_a_started_program_inherits_only_the_three_streams() -> None:
    _, listed = run("subprocess.run('ls /proc/self/fd | wc -l', shell=True, close_fds=False)")
    assert int(listed) <= 4  # and the one that `ls` itself opens


def test_text_that_the_locale_can_not_write_is_printed_as_utf_8() -> None:
    _, shown = run("print('é \\udc80')", PYTHONIOENCODING="ascii")
    assert shown == b"\xc3\xa9 \\udc80\n"


def test_a_crash_in_c_says_where_it_was() -> None:
    _, shown = run("import ctypes; ctypes.string_at(0)")
    assert b"Segmentation fault" in shown
    assert b"string_at" in shown
