"""A torch that can't be used is said in words, with what to type."""

from __future__ import annotations

import gc
import subprocess
import sys
import types

import pytest

from nninspect.errors import WorkerMissing
from nninspect.worker import engine


def torch_of(version: str) -> types.ModuleType:
    module = types.ModuleType("torch")
    module.__dict__["__version__"] = version
    return module


def test_a_missing_torch_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(WorkerMissing, match="torch is not installed") as raised:
        engine.load()
    assert f"{sys.executable} -m pip install" in raised.value.hint
    assert gc.isenabled()


@pytest.mark.parametrize("version", ["1.13.1", "2.5.1+cu124", "2.5.0a0+git", "0.0", ""])
def test_an_old_torch_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_of(version))
    with pytest.raises(WorkerMissing, match="too old"):
        engine.load()


@pytest.mark.parametrize("version", ["2.6.0", "2.10.0a0+git", "3.0.0+cu130"])
def test_a_torch_from_2_6_on_is_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_of(version))
    engine._import_torch()


def test_a_torch_that_raises_is_quoted_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken()])
    with pytest.raises(WorkerMissing, match="libcudart") as raised:
        engine.load()
    assert "Traceback" in raised.value.details


class Broken:
    """An import system with a torch whose libraries are not there."""

    def find_spec(self, name: str, *rest: object) -> None:
        raise OSError("libcudart.so.12: cannot open shared object file")


def test_a_worker_without_torch_imports_neither_it_nor_the_ui() -> None:
    code = "import sys, nninspect.worker.main; print({'torch', 'textual', 'rich'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert shown.stdout.strip() == b"set()"
