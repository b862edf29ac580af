"""A table whose cells are both what is read and what is computed with, and how it is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int | float | None


class Cell(NamedTuple):
    """ "40.1 M" and 40100000; "  conv" and "stem.conv"; "?" and None."""

    text: str
    value: Value


Row: TypeAlias = Sequence[str | Cell]


@dataclass(frozen=True)
class Table:
    """Titles and rows; a cell of nothing but text stands for itself."""

    titles: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def texts(self) -> list[list[str]]:
        """What people read, row by row."""
        return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in self.rows]

    @property
    def values(self) -> list[list[Value]]:
        """What programs read: seconds, bytes, counts, whole paths; None for what is not known."""
        return [
            [cell if isinstance(cell, str) else cell.value for cell in row] for row in self.rows
        ]

    @property
    def figures(self) -> frozenset[int]:
        """The columns of numbers, which stand at the right."""
        columns = zip(*self.values, strict=True)
        return frozenset(
            place
            for place, column in enumerate(columns)
            if any(isinstance(value, int | float) for value in column)
        )


def as_csv(table: Table) -> str:
    """Comma-separated values after a line of titles, every digit of each number."""
    return _separated(table, ",")


def as_tsv(table: Table) -> str:
    """The same with tabs, as spreadsheets take it from the clipboard."""
    return _separated(table, "\t")


def _separated(table: Table, separator: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator="\n")
    writer.writerow(table.titles)
    writer.writerows(table.values)
    return written.getvalue()


def as_markdown(table: Table) -> str:
    """A table as GitHub has it, in columns that can be read as they stand."""
    return "\n".join(_markdown(table)) + "\n"


def _markdown(table: Table) -> Iterator[str]:
    figures = table.figures
    rows = [list(map(_escaped, table.titles))]
    rows += [[_escaped(_said(cell)) for cell in row] for row in table.rows]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (
            text.rjust(width) if column in figures else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            rules = (
                "-" * (width - 1) + ":" if column in figures else "-" * width
                for column, width in enumerate(widths)
            )
            yield f"| {' | '.join(rules)} |"


def _said(cell: str | Cell) -> str:
    """Markdown takes away the spaces that a name is set in by, so that its path stands there."""
    if isinstance(cell, str):
        return cell
    return cell.value if cell.value and isinstance(cell.value, str) else cell.text


def _escaped(text: str) -> str:
    for special in "\\|`*_<[":
        text = text.replace(special, f"\\{special}")
    return text
