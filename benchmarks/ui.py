"""Key to frame, and bytes over the wire, of the real command in a pseudo-terminal.

    python benchmarks/ui.py [--quick]

A model of 60,000 rows is opened at 80x24 and at 200x50, with the diffing display and with
Textual's own beside it. A key's time is from the key written to the last byte of its frame
read; its bytes are all that it made the app write. Keys are measured idle, and with every core
busy in the worker. `benchmarks/startup.py` has the time to the first frame and to the tree,
`benchmarks/tree.py` that of 200,000 rows.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

COMMAND = str(Path(sys.executable).with_name("nninspect"))
SIZES = ((80, 24), (200, 50))
TIMEOUT_S = 90.0
KEY_S = 10.0
"""Nobody waits longer for a key; an app that never stops drawing is measured so far."""
FRAME_END = b"\x1b[?2026l"
SYNC_REPORT = b"\x1b[?2026;2$y"
"""What a terminal answers that can hold back a frame until it is whole."""
QUIET_S = 0.06
IDLE_S = 5.0

NETWORK = """
import threading
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up, self.norm, self.down = nn.Linear(4, 4), nn.LayerNorm(4), nn.Identity()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(i % 7) for i in range(150))) for _ in range(100))
        self.head = nn.Linear(4, 4)

    def forward(self, x):
        return self.head(x)

class Busy(Net):
    def forward(self, x):
        for _ in range({cores}):
            threading.Thread(target=spin, daemon=True).start()
        return self.head(x)

def spin():
    a = torch.rand(700, 700)
    while True:
        a @ a
"""

LINES = ("j",) * 40
PAGES = ("\x1b[6~",) * 12
TABS = ("2", "1") * 6
TARGETS = {
    (80, 24): {"line": 350, "page": 1_500, "tab": 5_000},
    (200, 50): {"line": 800, "page": 6_000, "tab": 17_000},
}
TARGETS_MS = {"idle": (15, 35), "both cores busy": (25, 60)}
IDLE_BYTES = 20


class App:
    """The command in a terminal that knows synchronized output."""

    def __init__(self, folder: str, *arguments: str, size: tuple[int, int]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.environ.pop("NO_COLOR", None)
            os.execv(COMMAND, [COMMAND, *arguments])
        self._seen = b""
        self._answered = False

    def read(self, timeout: float) -> bytes:
        if not select.select([self._fd], [], [], timeout)[0]:
            return b""
        data = os.read(self._fd, 1 << 18)
        self._seen = (self._seen + data)[-100_000:]
        if not self._answered and b"\x1b[?2026$p" in self._seen:
            self._answered = True
            os.write(self._fd, SYNC_REPORT)
        return data

    def wait(self, text: bytes) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self._seen:
            if time.monotonic() > deadline:
                raise SystemExit(f"the app did not show {text!r}")
            self.read(0.2)

    def settle(self, seconds: float = 1.0) -> int:
        """Read until nothing came for a while; the bytes."""
        count = 0
        while data := self.read(seconds):
            count += len(data)
        return count

    def press(self, key: str) -> tuple[float, int]:
        """Seconds until the frame was whole, and the bytes of all that followed."""
        began, taken, data = time.perf_counter(), 0.0, b""
        deadline = began + KEY_S
        os.write(self._fd, key.encode())
        while True:
            got = self.read(QUIET_S if taken else 1.0)
            if not got or time.perf_counter() > deadline:
                return taken, len(data)
            data += got
            if FRAME_END in got:
                taken = time.perf_counter() - began

    def idle_bytes(self) -> float:
        """Bytes a second with nobody at the keys."""
        self.settle()
        count, deadline = 0, time.monotonic() + IDLE_S
        while (left := deadline - time.monotonic()) > 0:
            count += len(self.read(left))
        return count / IDLE_S

    @property
    def rss_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        os.write(self._fd, b"q")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not os.waitpid(self.pid, os.WNOHANG)[0]:
            with suppress(OSError):
                self.read(0.1)
        os.close(self._fd)


@contextmanager
def opened(folder: str, name: str, size: tuple[int, int], *more: str) -> Iterator[App]:
    app = App(folder, f"net.py:{name}", "--input", "1,4", *more, size=size)
    try:
        app.wait(b"stages")
        app.settle()
        app.press("Z")  # every fold opened: all rows are in the list
        app.settle(0.5)
        yield app
    finally:
        app.close()


def bytes_a_key(app: App) -> dict[str, float]:
    app.press("G")
    app.press("g")
    for _ in range(60):
        app.press("j")
    found = {"line": statistics.median(app.press(key)[1] for key in LINES)}
    found["page"] = statistics.median(app.press(key)[1] for key in PAGES)
    found["tab"] = statistics.median(app.press(key)[1] for key in TABS)
    return found


def key_times(app: App, count: int) -> tuple[float, float]:
    """p50 and p99 in milliseconds, of lines and pages."""
    keys = ("j",) * 9 + ("\x1b[6~",)
    times = sorted(1000 * app.press(keys[n % len(keys)])[0] for n in range(count))
    return statistics.median(times), times[int(0.99 * len(times))]


def main(quick: bool) -> None:
    count = 100 if quick else 300
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "net.py").write_text(NETWORK.format(cores=os.cpu_count()))
        print(f"{'bytes a key':24}{'ours':>8}{'stock':>8}{'target':>8}  of target")
        for size in SIZES:
            with opened(folder, "Net", size) as app:
                ours, idle, rss = bytes_a_key(app), app.idle_bytes(), app.rss_mb
            with opened(folder, "Net", size, "--stock-display") as app:
                stock = bytes_a_key(app)
            for what, target in TARGETS[size].items():
                name = f"{what} at {size[0]}x{size[1]}"
                figures = f"{ours[what]:8.0f}{stock[what]:8.0f}{target:8}"
                print(f"{name:24}{figures}  {ours[what] / target:.2f}")
            print(f"{'idle, a second':24}{idle:8.0f}{'':8}{IDLE_BYTES:8}  {idle / IDLE_BYTES:.2f}")
            print(f"{'RSS, 60k rows':24}{rss:8.0f} MB")
        for load, name in (("idle", "Net"), ("both cores busy", "Busy")):
            for display in ((), ("--stock-display",)):
                with opened(folder, name, SIZES[1], *display) as app:
                    found = key_times(app, count)
                against = zip(("p50", "p99"), found, TARGETS_MS[load], strict=True)
                words = "  ".join(f"{q} {ms:5.1f} ms ({ms / to:.2f})" for q, ms, to in against)
                print(f"key to frame, {load}, {display[0][2:] if display else 'ours'}: {words}")


if __name__ == "__main__":
    main("--quick" in sys.argv)
