"""An error of our own ends the app with a sentence, and leaves its traceback in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from nninspect.ui import crash
from nninspect.ui.app import NninspectApp, serve


def _error() -> BaseException:
    try:
        raise ValueError("out of cheese")
    except ValueError as error:
        return error


def test_the_traceback_is_in_the_file_that_is_named(tmp_path: Path) -> None:
    said = crash.report(_error(), tmp_path)
    (file,) = tmp_path.iterdir()
    assert str(file) in said
    assert "ValueError: out of cheese" in said
    assert "Traceback" not in said
    assert "in _error" in file.read_text()


def test_where_no_file_can_be_written_the_last_line_is_said(tmp_path: Path) -> None:
    said = crash.report(_error(), tmp_path / "none")
    assert "out of cheese" in said
    assert "test_crash.py" in said


async def test_an_error_in_a_handler_ends_the_app_without_a_traceback_on_the_screen(
    ui: ModuleType,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = ui.FakeClient()
    app = NninspectApp(client, ui.Setup(target="resnet-small"))

    def fail() -> None:
        raise ValueError("out of cheese")

    app.call_later(fail)
    assert await serve(app, client, headless=True) == 1
    sys.stderr.flush()
    written = capfd.readouterr()
    shown = " ".join((written.out + written.err).split())
    assert "nninspect itself failed: ValueError: out of cheese" in shown
    assert "locals" not in shown
    assert client.closed
    (file,) = tmp_path.glob("nninspect-*.log")
    assert "in fail" in file.read_text()
