"""How data and errors are written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nninspect import errors
from nninspect.cli import main
from nninspect.cli.console import Console, aligned, error_lines
from nninspect.cli.exit_codes import (
    DEVICE_FAILED,
    INTERRUPTED,
    MODEL_FAILED,
    USAGE,
    WORKER_FAILED,
    exit_code_of,
)
from nninspect.cli.open import no_terminal
from nninspect.client.api import Advanced

NNINSPECT = str(Path(sys.executable).with_name("nninspect"))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.BadTarget, USAGE),
        (errors.BadInput, USAGE),
        (errors.BuildFailed, MODEL_FAILED),
        (errors.ForwardFailed, MODEL_FAILED),
        (errors.DeviceError, DEVICE_FAILED),
        (errors.WorkerDied, WORKER_FAILED),
        (errors.ProtocolError, WORKER_FAILED),
        (errors.Cancelled, INTERRUPTED),
    ],
)
def test_every_kind_of_error_has_its_exit_code(
    kind: type[errors.NninspectError], code: int
) -> None:
    assert exit_code_of(kind("it failed")) == code


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("conv", "1,728"), ("classifier", "10")]
    assert list(aligned(("module", "params"), rows, left={0})) == [
        "module      params",
        "conv         1,728",
        "classifier      10",
    ]


def test_an_error_is_message_where_hint_and_choices() -> None:
    error = errors.BadTarget("no Nett", "Did you mean Net?", where="a.b", choices=("net.py:Net",))
    assert list(error_lines(error, traceback=False)) == [
        "nninspect: no Nett [a.b]",
        "  Did you mean Net?",
        "    net.py:Net",
    ]


def test_escape_codes_of_a_stranger_do_not_reach_the_terminal() -> None:
    error = errors.ForwardFailed("\x1b[31mred", details="Traceback\n\x1b]0;title\x07boom")
    assert "\x1b" not in "".join(error_lines(error, traceback=True))


def test_a_reader_that_goes_away_is_no_error() -> None:
    piped = f"{NNINSPECT} list --json | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", piped], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr == b""


def test_an_interrupt_ends_the_command_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import time\ndef make():\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    command = subprocess.Popen(
        [NNINSPECT, "summary", "net.py:make"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert command.stderr is not None
    assert command.stderr.readline() == "begun\n"
    command.send_signal(signal.SIGINT)
    assert command.wait(60) == INTERRUPTED
    command.stderr.close()


def test_an_interrupt_while_it_still_imports_ends_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.importlib, "import_module", interrupted)
    assert main.main(["list"]) == INTERRUPTED
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("term", [None, "", "dumb", "unknown"])
def test_a_terminal_that_can_not_move_its_cursor_gets_text(
    term: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in (sys.stdin, sys.__stderr__):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert "can't move the cursor" in no_terminal()


def test_a_stage_that_takes_long_says_how_long_and_what_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda found=is_terminal: found)
        console = Console()
        console.waited(6.0, "ctrl+c ends it")  # nothing is under way yet
        console.hear(Advanced("running one forward", None))
        console.waited(7.4, "ctrl+c shows the tree so far")
        told = capsys.readouterr().err
        assert (
            "running one forward (7 s so far; ctrl+c shows the tree so far)" in told
        ) == is_terminal
        assert "6 s" not in told


def test_progress_stays_on_one_line_with_its_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    console = Console()
    console.hear(Advanced("s" * 100, None))
    console.waited(9.0, "ctrl+c ends it")
    *_, first, second = capsys.readouterr().err.split("\x1b[K")
    assert len(first.strip("\r")) < 40
    assert len(second) < 40
    assert second.endswith("s (9 s so far; ctrl+c ends it)")
