"""Published configs of models that no memory here holds: opened on meta, from the config alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nninspect.engine.session import Session, quietly
from nninspect.protocol.records import Setup

pytest.importorskip("transformers")
pytestmark = pytest.mark.corpus

DATA = Path(__file__).parent.parent / "data"
SECONDS = 30.0
"""Some five times what it takes here, the import of transformers included."""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("llama-3.1-405b", 405_853_388_800), ("deepseek-v3", 671_026_404_352)],
)
def test_it_opens_in_seconds_with_every_parameter_counted(name: str, parameters: int) -> None:
    started = time.monotonic()
    setup = Setup(target=f"hf:{DATA / name}")
    seen = Session().inspect(setup, reload=False, progress=quietly)
    assert seen.failure is None
    assert seen.totals.parameters == parameters
    assert seen.setup.device == "meta"
    assert seen.inputs[0].dtype == "int64"
    assert "on meta, without values" in seen.inputs_from
    assert time.monotonic() - started < SECONDS
