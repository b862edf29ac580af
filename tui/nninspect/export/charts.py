"""Charts as data, and how plotext draws one into a given number of cells."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from nninspect.text.plain import plain

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = ("blue+", "orange+", "green+", "magenta+", "cyan+", "red+")
MARKERS = ("●", "▲", "■", "◆", "○", "△")
"""Where there is no colour, a series is told by its marker."""
ASCII_MARKERS = ("*", "o", "+", "x", "#", "@")
_FRAME = str.maketrans("┌┐└┘├┤┬┴┼─│▇█▉▊▋▌▍▎▏", "+++++++++-|#########")
TICKS = 6
_DRAWING = threading.Lock()
"""plotext has one figure, and a file is written beside the thread that draws the screen."""


@dataclass(frozen=True)
class Series:
    """One line of a chart: its name, and a y for each x."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """A vertical line at an x, with what it means."""

    x: float
    name: str


@dataclass(frozen=True)
class Chart:
    """What is drawn against what; `write_x` and `write_y` say a value on its axis."""

    title: str
    series: tuple[Series, ...]
    write_x: Callable[[float], str]
    write_y: Callable[[float], str]
    x_title: str = ""
    is_log: bool = False
    """Both axes are logarithmic: for what doubles."""
    from_zero: bool = True
    """Whether a linear y begins at 0; else close below the least value."""
    lines: tuple[Line, ...] = ()


def draw(
    chart: Chart, width: int, height: int, *, colour: bool = True, ascii_only: bool = False
) -> Text:
    """The chart in that many cells. Importing plotext is put off until here: it costs start-up."""
    import plotext
    from rich.text import Text

    with _DRAWING:
        drawn = _built(plotext, chart, width, height, colour, ascii_only)
    text = Text.from_ansi(drawn)
    if ascii_only:
        text.plain = text.plain.translate(_FRAME)
    return text


def _built(
    plotext: ModuleType, chart: Chart, width: int, height: int, colour: bool, ascii_only: bool
) -> str:
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, height)
    plotext.title(chart.title)
    plotext.xlabel(chart.x_title)
    for number, series in enumerate(chart.series):
        plotext.plot(
            list(series.xs),
            list(series.ys),
            label=plain(series.name),
            color=COLOURS[number % len(COLOURS)] if colour else None,
            marker=_marker(number, colour, ascii_only),
        )
    for line in chart.lines:
        plotext.vertical_line(line.x)
    _scale(plotext, chart, max(2, min(TICKS, height // 3)))
    return str(plotext.build())


def _marker(number: int, colour: bool, ascii_only: bool) -> str:
    if ascii_only:
        return ASCII_MARKERS[number % len(ASCII_MARKERS)]
    return "braille" if colour else MARKERS[number % len(MARKERS)]


def _scale(plotext: ModuleType, chart: Chart, most: int) -> None:
    """Ticks at round values, written as people write them; at most so many on the y axis, each
    on a row of its own."""
    xs = sorted({x for series in chart.series for x in series.xs})
    ys = [y for series in chart.series for y in series.ys]
    if chart.is_log:
        plotext.xscale("log")
        plotext.yscale("log")
        x_ticks, y_ticks = _thinned(xs), log_ticks(min(ys), max(ys), most)
    else:
        low, high = 0.0 if chart.from_zero else min(ys), max(ys)
        room = 0.05 * (high - low) or 0.05 * high or 1.0
        plotext.ylim(low if chart.from_zero else low - room, high + room)
        x_ticks, y_ticks = even_ticks(xs[0], xs[-1]), even_ticks(low, high, most)
    plotext.xticks(x_ticks, [chart.write_x(x) for x in x_ticks])
    plotext.yticks(y_ticks, [chart.write_y(y) for y in y_ticks])


def _thinned(values: list[float]) -> list[float]:
    """At most `TICKS` of the values, the last of them always."""
    step = max(1, math.ceil(len(values) / TICKS))
    return values[::-1][::step][::-1]


def even_ticks(low: float, high: float, most: int = TICKS) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from low to high, so many of them at most."""
    if high <= low:
        return [low]
    step = _round_step((high - low) / max(1, most - 1))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _round_step(least: float) -> float:
    scale = 10.0 ** math.floor(math.log10(least))
    return next(part * scale for part in (1, 2, 5, 10) if part * scale >= least * (1 - 1e-9))


def log_ticks(low: float, high: float, most: int = TICKS) -> list[float]:
    """1, 2 and 5 times powers of ten within a range of positive values, or its two ends."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = list(
        _within((part * 10.0**power for power in decades for part in (1, 2, 5)), low, high)
    )
    if len(found) > most:
        found = list(_within((10.0**power for power in decades), low, high))
    return found if len(found) > 1 else sorted({low, high})


def _within(values: Iterable[float], low: float, high: float) -> Iterable[float]:
    return (value for value in values if low * 0.999 <= value <= high * 1.001)
