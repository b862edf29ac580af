"""Charts: round ticks, every series told apart, in the cells that there are."""

from __future__ import annotations

import pytest

from nninspect.export.charts import Chart, Series, draw, even_ticks, log_ticks
from nninspect.text import units


def _chart(is_log: bool = True) -> Chart:
    batches = (1.0, 8.0, 64.0)
    return Chart(
        "latency over batch",
        (
            Series("cpu", batches, (0.002, 0.016, 0.128)),
            Series("cuda:0", batches, (4e-4, 4e-4, 8e-4)),
        ),
        write_x=lambda x: f"{x:.0f}",
        write_y=units.seconds,
        x_title="batch",
        is_log=is_log,
    )


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8]), (3, 3, [3])],
)
def test_even_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert even_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.001, 0.01, [0.001, 0.002, 0.005, 0.01]),
        (0.0004, 0.128, [0.001, 0.01, 0.1]),
        (0.03, 0.04, [0.03, 0.04]),
        (0.5, 0.5, [0.5]),
    ],
)
def test_log_ticks_are_round_or_the_ends(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("size", [(76, 14), (40, 8), (200, 40)])
def test_a_chart_fills_its_cells_and_no_more(size: tuple[int, int]) -> None:
    lines = draw(_chart(), *size).plain.rstrip("\n").split("\n")
    assert max(map(len, lines)) <= size[0]
    assert len(lines) <= size[1]


def test_axes_are_written_in_units_and_every_series_is_named() -> None:
    text = draw(_chart(), 76, 14).plain
    for said in ("cpu", "cuda:0", "10.0 ms", "batch", "64"):
        assert said in text


def test_without_colour_each_series_has_its_own_marker() -> None:
    text = draw(_chart(), 76, 14, colour=False)
    assert "●" in text.plain
    assert "▲" in text.plain
    assert not [span for span in text.spans if getattr(span.style, "color", None)]


def test_in_ascii_nothing_else_is_drawn_but_units() -> None:
    assert draw(_chart(), 76, 14, ascii_only=True).plain.isascii()


def test_a_name_with_escape_codes_stays_text() -> None:
    chart = Chart("t", (Series("\x1b[2Jcpu", (0, 1), (1, 2)),), write_x=str, write_y=str)
    assert "\x1b" not in draw(chart, 60, 10).plain
