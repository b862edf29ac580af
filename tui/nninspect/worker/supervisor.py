"""Starts the worker and ends with it, or with the client; whatever the worker left behind goes too.

Standard library only, so that it starts in milliseconds and no library of the user's can stop
it: `python -I -S supervisor.py COMMAND …`. It never reads or writes the three streams, which the
worker inherits; it only watches stdin, whose other end closes when the client is gone, however
it went. It ends as the worker did: with the same exit code, or by the same signal.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

COMMAND = (sys.executable, "-P", "-m", "nninspect.worker")
"""What is started when nothing else is named. -P: no file of the user's shadows an import."""

SWEEP_S = 10.0
"""Seconds after which a process that does not die of SIGKILL is left to the system."""

CANNOT_START = 127
"""The exit code when the command can't be started, as a shell has it."""

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(command: tuple[str, ...]) -> NoReturn:
    """Run the command until it ends, the client is gone or a signal asks for the end."""
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signals = _watch_signals()
    worker = _start(command)
    status = _wait(worker, signals)
    _sweep(worker)
    _end_like(status)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _watch_signals() -> int:
    """A descriptor that gets one byte, its number, for each signal that matters."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_ENDING):
        signal.signal(number, lambda *_: None)
    return readable


def _start(command: tuple[str, ...]) -> int:
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setpgid(0, 0)  # what the worker does to its own process group misses the supervisor
        if _LINUX:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == supervisor:
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(CANNOT_START)


def _wait(worker: int, signals: int) -> int:
    """The wait status to end with: the worker's, that of a signal which asked, 0 on a hang-up."""
    poller = select.poll()
    poller.register(0, 0)  # no event but a hang-up: what the client writes is the worker's
    poller.register(signals, select.POLLIN)
    while True:
        ready = dict(poller.poll())
        if signals in ready:
            for asked in set(os.read(signals, 4096)) & set(_ENDING):
                return asked  # the wait status of a death by that signal is its number
        for pid, status in _reap():
            if pid == worker:
                return status
        if 0 in ready:
            return 0


def _reap() -> Iterator[tuple[int, int]]:
    """Every child that has ended, with its status. Raises ChildProcessError when none is left."""
    while (ended := os.waitpid(-1, os.WNOHANG))[0]:
        yield ended


def _sweep(worker: int) -> None:
    """Kill the worker's group, then whatever is re-parented to us, until nothing is left.

    Only children are ever killed by number: a child that was not waited for keeps its number.
    """
    _kill(-worker)
    pause, deadline = 0.001, time.monotonic() + SWEEP_S
    while time.monotonic() < deadline:
        try:
            list(_reap())
        except ChildProcessError:
            return
        for child in _children():
            _kill(child)
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _children() -> Iterator[int]:
    """Our children, from /proc; none where there is no /proc."""
    me = str(os.getpid())
    for name in os.listdir("/proc") if _LINUX else ():
        try:
            with open(f"/proc/{name}/stat", errors="replace") as stat:
                parent = stat.read().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if parent == me:
            yield int(name)


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _end_like(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or COMMAND)
