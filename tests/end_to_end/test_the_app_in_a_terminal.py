"""What a person does with the real command, and what they see."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

Start = Callable[..., Any]

LENET = """
import torch.nn.functional as F
from torch import nn
from models.head import Head

class LeNet(nn.Module):
    def __init__(self, hidden=120):
        super().__init__()
        print("building with", hidden)
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.head = Head(16 * 5 * 5, hidden)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.head(x.flatten(1))
"""

HEAD = """
from torch import nn

class Head(nn.Module):
    def __init__(self, features, hidden):
        super().__init__()
        self.fc1 = nn.Linear(features, hidden)
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())
"""


def write_lenet(folder: Path) -> Path:
    """A user's own network, with a package beside it that is called `models`."""
    (folder / "models").mkdir()
    (folder / "models" / "__init__.py").write_text("")
    (folder / "models" / "head.py").write_text(HEAD)
    (folder / "net.py").write_text(LENET)
    return folder / "net.py"


def test_a_first_visit_from_the_picker_to_the_bench_and_out(terminal: Start) -> None:
    app = terminal()
    app.see("resnet-small", "mlp-sequential")
    app.press("resnet")
    app.press("\r")
    app.see("ResNetSmall", "(1, 3, 32, 32)", "175,258 params")
    app.press("d")
    app.see("no other device")
    app.press("B\t1\t\t1\r")  # at batch 1, for a second
    app.see("p50", "verdict", "trusted")
    app.press("q")
    assert app.wait_for_exit() == 0


@pytest.mark.gpu
def test_d_moves_the_model_to_the_gpu_and_round_the_end_to_the_cpu(
    terminal: Start, accelerator: Any
) -> None:
    from nninspect.engine.devices import accelerators

    app = terminal("resnet-small", columns=200)
    app.see(f"cpu ▸ {accelerator}", "175,258 params")
    for name in (*(each.name for each in accelerators()), "cpu"):
        app.press("d")
        app.see(f"· {name} ▸", "175,258 params")
    app.press("q")
    assert app.wait_for_exit() == 0


def test_the_terminal_is_left_as_it_was(terminal: Start) -> None:
    app = terminal("mlp-module")
    app.see("118,282 params")
    assert b"\x1b[?1049h" in app.written
    app.press("q")
    app.wait_for_exit()
    for mode in (b"1049", b"1000", b"1003", b"1006", b"2004"):
        on, off = b"\x1b[?" + mode + b"h", b"\x1b[?" + mode + b"l"
        assert app.written.rfind(off) >= app.written.rfind(on), mode
    assert app.written.rfind(b"\x1b[?25h") > app.written.rfind(b"\x1b[?25l")
    assert app.modes() == app.modes_before


def test_a_model_of_ones_own_fails_is_mended_and_runs(warm_terminal: Start, tmp_path: Path) -> None:
    net = write_lenet(tmp_path)
    app = warm_terminal("net.py", "--input", "1,3,28,28")
    app.see("head.fc1", "in_features=400", "got 256", "✗ failed")
    net.write_text(LENET.replace("16 * 5 * 5", "16 * 4 * 4"))
    app.press("r")
    app.see("(1, 256)", "(1, 10)", "34,9")
    app.press("5")
    app.see("building with 120")


def test_a_target_that_is_wrong_says_what_to_type(warm_terminal: Start, tmp_path: Path) -> None:
    write_lenet(tmp_path)
    app = warm_terminal("net.py:Lenet")
    app.see("net.py has no Lenet", "LeNet")


def test_a_worker_that_is_killed_is_reported_and_restarted_with_a_key(terminal: Start) -> None:
    app = terminal("mlp-module")
    app.see("118,282 params")
    first = app.worker()
    first.kill()
    app.see("SIGKILL")
    app.press("R")
    app.wait(lambda: "SIGKILL" not in app.text, "the message to go")
    app.see("118,282 params", "torch ")
    assert app.worker().pid != first.pid
    app.press("q")
    assert app.wait_for_exit() == 0


def test_a_model_that_hangs_is_cancelled(terminal: Start, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "def make():\n    open('begun', 'w')\n    while True:\n        pass\n"
    )
    app = terminal("net.py:make")
    app.wait((tmp_path / "begun").exists, "the model to hang")
    app.see("loading net.py:make")
    app.press("\x1b")
    app.see("cancelled")
    app.press("q")
    assert app.wait_for_exit() == 0


def test_nothing_is_left_behind_when_the_app_is_killed(terminal: Start, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import subprocess\nfrom torch import nn\n"
        "subprocess.Popen(['sleep', '1234.5'], start_new_session=True)\n"
        "class Net(nn.Linear):\n    def __init__(self): super().__init__(2, 3)\n"
    )
    app = terminal("net.py")
    app.see("9 params")
    below = psutil.Process(app.pid).children(recursive=True)
    assert any("1234.5" in process.cmdline() for process in below)
    os.kill(app.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(alive(process) for process in below):
        assert time.monotonic() < deadline, [p for p in below if alive(p)]
        time.sleep(0.05)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_small_terminal_shows_the_tree(warm_terminal: Start) -> None:
    app = warm_terminal("resnet-small", columns=60, rows=18)
    app.see("ResNetSmall", "stem", "params")


def test_with_watch_a_save_mends_the_tree_and_a_syntax_error_leaves_the_old_one(
    warm_terminal: Start, tmp_path: Path
) -> None:
    net = write_lenet(tmp_path)
    head = tmp_path / "models" / "head.py"
    app = warm_terminal("net.py", "--input", "1,3,28,28", "--watch")
    app.see("head.fc1", "in_features=400", "got 256", "✗ failed")
    net.write_text(LENET.replace("16 * 5 * 5", "16 * 4 * 4"))
    app.see("(1, 256)", "34,9", "1 row changed", "fc1 Linear Δ changed")
    head.write_text(HEAD.replace("return self", "return self("))
    app.see("SyntaxError", "conv1", "(1, 256)")
    head.write_text(HEAD.replace("hidden, 10", "hidden, 7"))
    app.see("(1, 7)", "rows changed")
    app.wait(lambda: "SyntaxError" not in app.text, "the error to go")
    mended = LENET.replace("16 * 5 * 5", "16 * 4 * 4")
    other = tmp_path / "net.py.new"
    other.write_text(mended.replace("16, 5)", "16, 5, bias=False)"))
    other.replace(net)  # as editors save that lose nothing
    app.see("34,543 params")
    net.unlink()
    time.sleep(1.2)  # looked at twice meanwhile: what is gone is no change
    app.settle()
    assert "34,543 params" in app.text
    net.write_text("import os\nos._exit(3)\n")
    app.see("worker", "code 3")
    net.write_text(mended)
    app.see("34,559 params")
    app.wait(lambda: "code 3" not in app.text, "the error to go")


def test_sixty_thousand_rows_are_filtered_as_one_types(
    warm_terminal: Start, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.all = nn.ModuleList(nn.Sequential(*(nn.Identity() for _ in range(59))) "
        "for n in range(1000))\n"
        "        self.needle = nn.Linear(4, 4)\n"
        "    def forward(self, x):\n"
        "        return self.needle(x)\n"
    )
    app = warm_terminal("net.py", "--input", "1,4")
    app.see("all", "ModuleList")
    app.press("/needl")
    app.see("1 row matches ‹needl›", "(1, 4)")
    app.press("\x7f" * 5 + "999.58")
    app.see("1 row matches ‹999.58›", "58 Identity")
    app.press("\x1b")
    app.wait(lambda: "matches" not in app.text, "the filter to go")


def test_a_flood_of_prints_neither_stalls_the_app_nor_grows_it(
    terminal: Start, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self): super().__init__(2, 3)\n"
        "    def forward(self, x):\n"
        "        while True: print('x' * 100 + '\\n' * 3)\n"
    )
    app = terminal("net.py", columns=100)
    app.press("5")
    app.see("xxxxxxxx", "came too fast", "earlier lines dropped")
    for key in "142535":
        app.press(key)
    app.see("came too fast")
    assert psutil.Process(app.pid).memory_info().rss < 150 * 2**20
    app.press("\x1b")
    app.wait(lambda: "running" not in app.text and "loading" not in app.text, "the forward to end")
    app.press("q")
    assert app.wait_for_exit() == 0
