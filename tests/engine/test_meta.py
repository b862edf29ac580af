"""Models on the meta device: built there, looked at there, and said to be there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nninspect.engine.session import Session, quietly
from nninspect.errors import DeviceError
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.records import Inspection, Setup

Write = Callable[..., Path]

NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, hidden=10**9):
            super().__init__()
            self.fc = nn.Linear(4, hidden)

        def forward(self, x):
            return self.fc(x)

    class Careful(Net):
        def __init__(self):
            super().__init__(int(torch.ones(()).item()) + 7)

    net = Net(8)
"""


def look(session: Session, setup: Setup) -> Inspection:
    return session.inspect(setup, reload=False, progress=quietly)


def test_what_is_asked_for_on_meta_is_built_there(session: Session, write: Write) -> None:
    write("net.py", NET)
    seen = look(session, Setup(target="net.py:Net", device="meta"))
    assert seen.failure is None
    assert seen.totals.parameters == 5 * 10**9
    assert LayerTable(seen.layers).row(0).device == "meta"


@pytest.mark.parametrize("name", ["Careful", "net"])
def test_a_model_that_cannot_be_built_on_meta_gets_there_all_the_same(
    name: str, session: Session, write: Write
) -> None:
    write("net.py", NET)
    seen = look(session, Setup(target=f"net.py:{name}", device="meta"))
    assert LayerTable(seen.layers).row(0).device == "meta"
    assert seen.totals.parameters == 5 * 8


def test_a_model_kept_on_meta_says_so_and_stays(
    session: Session, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net", device="meta")
    session.loaded(setup, reload=False, progress=quietly).kept_on_meta = "on meta, it is too large"
    seen = look(session, msgspec.structs.replace(setup, device="cpu"))
    assert seen.setup.device == "meta"
    assert seen.inputs_from.endswith("; on meta, it is too large")


def test_what_is_on_meta_cannot_be_moved_off_it(session: Session, write: Write) -> None:
    write("net.py", NET)
    setup = Setup(target="net.py:Net", device="meta")
    look(session, setup)
    with pytest.raises(DeviceError, match="it has no values"):
        look(session, msgspec.structs.replace(setup, device="cpu"))
