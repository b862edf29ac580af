"""A table and its charts as a picture, for a page or a talk; it loads nothing from elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from nninspect.errors import UsageError
from nninspect.export.charts import Chart, draw
from nninspect.export.table import Table
from nninspect.text import units

MOST_ROWS = 2_000
"""A longer picture is of no use, and slow to draw."""
PADDING = 4
CHART = 100, 24
"""A chart's cells, in width and in height."""


def as_svg(table: Table, title: str, charts: Sequence[Chart] = ()) -> str:
    """An SVG under a title, the charts below the table. Raises UsageError where the table is too
    long for a picture."""
    if len(table.rows) > MOST_ROWS:
        raise UsageError(
            f"{units.count(len(table.rows))} rows are too many for a picture",
            f"Filter or fold until there are {units.count(MOST_ROWS)}, or take CSV",
        )
    from rich._export_format import CONSOLE_SVG_FORMAT  # rich costs start-up
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.terminal_theme import DEFAULT_TERMINAL_THEME
    from rich.text import Text

    figures = table.figures
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    for column, name in enumerate(table.titles):
        is_figure = column in figures
        drawn.add_column(Text(name), justify="right" if is_figure else "left", no_wrap=True)
    for row in table.texts:
        drawn.add_row(*map(Text, row))
    measuring = Console(file=io.StringIO(), width=10_000)
    width = measuring.measure(drawn).maximum + PADDING
    if charts:
        width = max(width, CHART[0])
    console = Console(file=io.StringIO(), width=width, record=True, highlight=False)
    console.print(drawn)
    for chart in charts:
        console.print(draw(chart, *CHART, colour=False), end="\n\n")
    from_nowhere = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title=title, theme=DEFAULT_TERMINAL_THEME, code_format=from_nowhere)
