"""The real app in a pseudo-terminal, drawing the progress of a benchmark of a model that sleeps.

What it draws is all that it does, so a call that is timed beside it tells what a redraw costs one.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("nninspect"))
SIZE = (120, 40)
TIMEOUT_S = 60.0
NETWORK = """
import time
from torch import nn

class Sleeper(nn.Linear):
    def forward(self, x):
        time.sleep(0.05)
        return super().forward(x)

net = Sleeper(4, 4)
"""


class Drawing:
    """The app while it draws; it can be stopped and let on."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self.seen = b""
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def press(self, key: bytes, until: bytes) -> None:
        """Raises TimeoutError where the app does not show that."""
        os.write(self._descriptor, key)
        self.wait(until)

    def wait(self, text: bytes) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self.seen:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the app does not show {text!r}")
            time.sleep(0.05)

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self._descriptor, 1 << 16):
                self.seen = (self.seen + data)[-200_000:]


@contextmanager
def drawing() -> Iterator[Drawing]:
    """An app whose benchmark is in its rounds."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sleeper.py").write_text(NETWORK)
        pid, descriptor = pty.fork()
        if pid == 0:
            os.chdir(folder)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
            os.environ.update(TERM="xterm-256color", XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder)
            os.execv(COMMAND, [COMMAND, "sleeper.py:net", "--input", "1,4"])
        app = Drawing(pid, descriptor)
        try:
            app.wait(b"Sleeper")
            app.press(b"b", b"round 1 of")
            yield app
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGHUP)
            os.waitpid(pid, 0)
