"""The tree's scrollbar looks as Textual's does, and is drawn anew less often."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from textual.geometry import Size
from textual.scrollbar import ScrollBarRender

from nninspect.ui.widgets.tree_table import _seen_position

CELLS = 45


def look(rows: int, position: float) -> object:
    """As a scrollbar draws it, whose positions are whole eighths."""
    return ScrollBarRender.render_bar(CELLS, rows, CELLS, int(position * 8) / 8).segments


@pytest.mark.parametrize("rows", [46, 60, 500, 60_000, 200_000])
def test_a_seen_position_looks_as_the_true_one_and_there_are_few(rows: int) -> None:
    bar = SimpleNamespace(window_virtual_size=rows, window_size=CELLS, size=Size(1, CELLS))
    last = rows - CELLS
    places = sorted({*range(0, last, max(1, last // 997)), last})
    seen = [_seen_position(bar, place) for place in places]
    assert all(look(rows, a) == look(rows, b) for a, b in zip(places, seen, strict=True))
    assert len(set(seen)) <= max(8 * CELLS, 1)
