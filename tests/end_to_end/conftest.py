"""A real terminal with the real command in it: a pty, and pyte to read its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pyte
import pytest

NNINSPECT = str(Path(sys.executable).with_name("nninspect"))
WARM = """
import sys
from nninspect.client import process
process.spawn.__defaults__ = (tuple(sys.argv.pop(1).split()),)
from nninspect.cli.main import main
sys.exit(main())
"""
"""The command, but for the worker that it starts."""
PATIENCE_S = 60.0

# pyte stumbles over keyboard modes, pointer shapes and mode queries, which draw nothing.
_NOT_DRAWN = re.compile(
    rb"\x1b\[[<>=][0-9;]*u|\x1b\]22;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[0-9;]*\$p"
)


def _resize(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _environment(colours: str) -> dict[str, str]:
    """Ours, but for what changes a screen; readline sets LINES and COLUMNS in the real one only,
    behind the back of `os.environ`, so it is passed on explicitly."""
    dropped = {"NO_COLOR", "LINES", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    term = "xterm-256color" if colours else "xterm"
    return {**kept, "TERM": term, "COLORTERM": colours}


class Terminal:
    """The command at work in a terminal of the given size."""

    def __init__(
        self,
        *command: str,
        cwd: Path,
        columns: int = 120,
        rows: int = 40,
        colours: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self.exit_code: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            _resize(0, columns, rows)
            environment = _environment(colours) | dict(variables or {})
            os.execve(command[0], command, environment)
        self.modes_before = termios.tcgetattr(self._fd)

    @property
    def text(self) -> str:
        """The screen as a person reads it."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        """Type; "\\x1b" is escape, "\\r" enter."""
        os.write(self._fd, keys.encode())

    def see(self, *wanted: str) -> str:
        """Wait until all of the texts are on the screen; the screen."""
        return self.wait(lambda: all(text in self.text for text in wanted), f"{wanted}")

    def wait(self, condition: Callable[[], bool], what: str) -> str:
        """Read until the condition holds; the screen. Fails with the screen after a while."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline or self.exit_code is not None:
                pytest.fail(f"waited for {what} (exit code {self.exit_code}); saw:\n{self.text}")
            self._read(0.1)
        return self.text

    def _read(self, timeout: float) -> None:
        ready, _, _ = select.select([self._fd], [], [], timeout)
        if not ready:
            return
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the last writer is gone
            data = b""
        if not data:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return
        self.written += data
        self._stream.feed(_NOT_DRAWN.sub(b"", data))

    def pause(self, seconds: float) -> None:
        """Read what comes within a time, once."""
        self._read(seconds)

    def resize(self, columns: int, rows: int) -> None:
        """As a window that is dragged."""
        self._screen.resize(rows, columns)
        _resize(self._fd, columns, rows)

    def settle(self, quiet_s: float = 0.15) -> None:
        """Read until nothing came for a while."""
        before = -1
        while before != len(self.written):
            before = len(self.written)
            self._read(quiet_s)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """What there is to see; of a blank, its background and what is drawn on it."""
        lines = range(self._screen.lines)
        return [
            [_seen(self._screen.buffer[y][x]) for x in range(self._screen.columns)] for y in lines
        ]

    def wait_for_exit(self) -> int:
        """Read until the command has ended; its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.exit_code is None:
            if time.monotonic() > deadline:
                pytest.fail(f"it does not end; saw:\n{self.text}")
            self._read(0.1)
        return self.exit_code

    def modes(self) -> list[object]:
        """The terminal's modes now."""
        return termios.tcgetattr(self._fd)

    def worker(self) -> psutil.Process:
        """The torch process below the app."""
        for process in psutil.Process(self.pid).children(recursive=True):
            if "nninspect.worker" in process.cmdline():
                return process
        pytest.fail("the app has no worker")

    def close(self) -> None:
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = cell.underscore, cell.strikethrough, cell.reverse
    ink = (cell.fg, cell.bold, cell.italics) if cell.data != " " or any(lines) else ()
    return cell.data, cell.bg, *lines, *ink


@pytest.fixture
def terminals(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Callable[..., Terminal]]]:
    """Of a command, what starts it in a terminal, in an empty folder, `tmp_path`; what it keeps of
    it is not among what the user has kept."""
    home = str(tmp_path_factory.mktemp("home"))
    homes = {"XDG_STATE_HOME": home, "XDG_DATA_HOME": home}
    started: list[Terminal] = []

    def starting(*command: str) -> Callable[..., Terminal]:
        def start(
            *arguments: str,
            columns: int = 120,
            rows: int = 40,
            colours: str = "truecolor",
            **variables: str,
        ) -> Terminal:
            more = {"columns": columns, "rows": rows, "colours": colours}
            more["variables"] = homes | variables
            started.append(Terminal(*command, *arguments, cwd=tmp_path, **more))
            return started[-1]

        return start

    yield starting
    for each in started:
        each.close()


@pytest.fixture
def terminal(terminals: Callable[..., Callable[..., Terminal]]) -> Callable[..., Terminal]:
    """Start the command in a terminal."""
    return terminals(NNINSPECT)


@pytest.fixture
def warm_terminal(
    terminals: Callable[..., Callable[..., Terminal]], warm_worker: tuple[str, ...]
) -> Callable[..., Terminal]:
    """The same with a worker that need not wait for torch."""
    return terminals(sys.executable, "-P", "-c", WARM, " ".join(warm_worker))
