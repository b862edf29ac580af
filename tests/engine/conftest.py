"""Files to load models from, and a look at a model that stands in the test."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from nninspect.engine.examine import examine
from nninspect.engine.load import Loaded, load
from nninspect.engine.session import Session
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import LayerRow
from nninspect.protocol.records import InputSpec, Inspection, Setting, Setup

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, and where they type their commands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    """Write files into the user's folder: `write("net.py", '''…''')`."""

    def write(name: str, text: str = "") -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def opened() -> Iterator[Callable[..., Loaded]]:
    """`load`, with the settings as keywords; everything is forgotten after the test."""
    kept: list[Loaded] = []
    before: list[object] = []

    def state() -> list[object]:
        return [builtins.__import__, list(sys.path), list(sys.meta_path)]

    def opened(target: str, **settings: str) -> Loaded:
        before[:] = before or state()
        kept.append(load(target, [Setting(name, text) for name, text in settings.items()]))
        return kept[-1]

    yield opened
    for loaded in reversed(kept):
        loaded.forget()
    assert not before or state() == before


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    """One that is in the user's folder, and is dropped after the test."""
    session = Session()
    yield session
    session.drop()


@dataclass(frozen=True)
class Seen:
    """An inspection, its rows by their paths."""

    inspection: Inspection
    rows: dict[str, LayerRow]


@pytest.fixture
def look() -> Callable[..., Seen]:
    """Look at a model as it stands, with the given inputs or with guessed ones."""

    def look(
        model: nn.Module, *inputs: InputSpec, training: bool = False, batch: int | None = None
    ) -> Seen:
        loaded = Loaded(model, None, None, 0.0)
        setup = Setup(target="it", inputs=inputs, training=training, batch=batch)
        inspection = examine(loaded, setup, CPU, lambda stage, fraction: None)
        rows = list(LayerTable(inspection.layers))
        return Seen(inspection, {row.path: row for row in rows})

    return look
