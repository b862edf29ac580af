"""The pages under docs/ say what the rules say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """docs/make.py, which is no package."""
    spec = importlib.util.spec_from_file_location("make_docs", DOCS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_up_to_date_and_none_is_left_over(make: ModuleType) -> None:
    written = {path.relative_to(DOCS): path.read_text("utf-8") for path in DOCS.glob("rules*/*.md")}
    written[Path("rules.md")] = (DOCS / "rules.md").read_text("utf-8")
    assert written == make.documents(), "run: make docs"


def test_the_index_leads_to_every_rule(make: ModuleType) -> None:
    documents = make.documents()
    for path in documents:
        assert path == Path("rules.md") or f"({path})" in documents[Path("rules.md")]
