"""Time from the command to its first frame and to the layer tree, beside `import torch, torchinfo`.

    python benchmarks/startup.py [RUNS]

The app runs in a pseudo-terminal of its own. Each run times the import, the import plus the build
of the model, and the app, one after another; the ratios are taken within a run, so that a machine
whose speed drifts compares like with like. RSS is that of the UI process, in the tree's first
second.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

IMPORTS = "import torch, torchinfo"
BUILD = f"{IMPORTS}; from nninspect_models.resnet_small import ResNetSmall; ResNetSmall()"
COMMAND = (str(Path(sys.executable).with_name("nninspect")), "resnet-small")
FRAME_TEXT = b"Layers"
TREE_TEXT = b"ResNetSmall"
COLUMNS, ROWS = 120, 40
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Start:
    """One start of the app: seconds since the command, and bytes."""

    first_byte: float
    frame: float
    tree: float
    rss: int


def timed_python(code: str) -> float:
    """Seconds that a Python process takes for the code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def start_app() -> Start:
    """Start the app in a terminal, wait for its tree, and quit it."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(COMMAND[0], COMMAND)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = Screen(terminal, started)
    first_byte = screen.wait(lambda seen: bool(seen))
    frame = screen.wait(lambda seen: FRAME_TEXT in seen)
    tree = screen.wait(lambda seen: TREE_TEXT in seen)
    rss = psutil.Process(pid).memory_info().rss
    os.write(terminal, b"q")
    screen.drain()
    os.waitpid(pid, 0)
    os.close(terminal)
    return Start(first_byte, frame, tree, rss)


class Screen:
    """The bytes that the app has written so far."""

    def __init__(self, terminal: int, started: float) -> None:
        self._terminal, self._started, self._seen = terminal, started, b""

    def wait(self, is_there: Callable[[bytes], bool]) -> float:
        """Seconds from the command until the bytes satisfy the condition."""
        while not is_there(self._seen):
            ready, _, _ = select.select([self._terminal], [], [], TIMEOUT_S)
            if not ready:
                raise SystemExit(f"the app wrote nothing for {TIMEOUT_S:g} s")
            self._seen += os.read(self._terminal, 65536)
        return time.perf_counter() - self._started

    def drain(self) -> None:
        """Read until the app has closed its end."""
        while True:
            try:
                if not os.read(self._terminal, 65536):
                    return
            except OSError:
                return


def main(runs: int) -> None:
    start_app()  # the first start of all reads everything from disk
    imports, builds, starts = [], [], []
    for _ in range(runs):
        imports.append(timed_python(IMPORTS))
        starts.append(start_app())
        builds.append(timed_python(BUILD))
    table(imports, builds, starts)


def table(imports: list[float], builds: list[float], starts: list[Start]) -> None:
    """Print medians, and ratios by pair beside their targets."""
    frames = [start.frame for start in starts]
    trees = [start.tree for start in starts]
    rows = [
        ("import torch, torchinfo", _ms(imports), "", ""),
        ("  + build of resnet-small", _ms(builds), "", ""),
        ("first byte", _ms([start.first_byte for start in starts]), "", "50 ms"),
        ("first frame", _ms(frames), _ratio(frames, imports), "0.20 x import"),
        ("layer tree", _ms(trees), _ratio(trees, builds), "1.05 x import + build"),
        ("RSS of the UI process", f"{_median_mb(starts):.1f} MB", "", "45 MB"),
    ]
    print(f"{len(starts)} runs, medians; {os.cpu_count()} cores")
    print(f"{'what':<28}{'median':>10}{'ratio':>8}  target")
    for what, median, ratio, target in rows:
        print(f"{what:<28}{median:>10}{ratio:>8}  {target}".rstrip())


def _ms(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms"


def _ratio(mine: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(m / t for m, t in zip(mine, theirs, strict=True)):.2f}"


def _median_mb(starts: list[Start]) -> float:
    return statistics.median(start.rss for start in starts) / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
