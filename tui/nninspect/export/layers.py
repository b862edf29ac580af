"""The layer tree as a table: every row, or what is in view of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nninspect.export.table import Cell, Row, Table, Value
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import UNKNOWN, Kind
from nninspect.text import layers
from nninspect.text.layer_cells import CELLS, TITLES, marks_of, name_of, path_of, total_of
from nninspect.text.plain import plain

INDENT = "  "
MARKS = "marks"
PARAMETERS = "params"
BAR = "bar"


@dataclass(frozen=True)
class Sight:
    """What is in view of a tree, in its order: the rows, each those of a run, and the columns."""

    table: LayerTable
    rows: Sequence[Sequence[int]]
    columns: Sequence[str]
    """Keys of `TITLES`; a bar is left out, the marks always come last."""
    kept: Sequence[int] | None = None
    """The rows that a filter keeps, folded away or not; None without a filter."""
    share_of: str = PARAMETERS
    share: Sequence[float] = ()
    """Of each row, what the shares are of."""


def everything(table: LayerTable) -> Sight:
    """All rows, all columns, shares of the parameters."""
    rows = [(row,) for row in range(len(table))]
    return Sight(table, rows, tuple(TITLES), share=table.total_parameters)


def layer_table(sight: Sight) -> Table:
    """A row of the tree a line; names are set in, and stand for their paths."""
    keys = [key for key in TITLES if key in sight.columns and key != BAR]
    titles = {**TITLES, "share": "%" if sight.share_of == PARAMETERS else f"% of {sight.share_of}"}
    return Table(
        titles=(*(titles[key] for key in keys), MARKS),
        rows=tuple(_row(sight, rows, keys) for rows in sight.rows),
    )


def _row(sight: Sight, rows: Sequence[int], keys: Sequence[str]) -> Row:
    return [*(_cell(sight, rows, key) for key in keys), marks_of(sight.table, rows)]


def _cell(sight: Sight, rows: Sequence[int], key: str) -> str | Cell:
    table = sight.table
    if key == "module":
        return Cell(INDENT * table.depth[rows[0]] + _name(table, rows), path_of(table, rows))
    if key == "type":
        return _type(table, rows[0])
    if key == "share":
        part, whole = sum(sight.share[row] for row in rows), sight.share[0]
        return Cell(layers.share(part, whole), round(100 * part / whole, 6) if whole else None)
    text = CELLS[key](table, rows)
    return Cell(text, _VALUES[key](table, rows)) if key in _VALUES else text


def _name(table: LayerTable, rows: Sequence[int]) -> str:
    is_op = table.kind[rows[0]] == Kind.OP
    return (f"{layers.OP} " if is_op else "") + name_of(table, rows)


def _type(table: LayerTable, row: int) -> str:
    """Of an op the line that called it."""
    source = table.texts[table.source[row]] if table.kind[row] == Kind.OP else ""
    return plain(source or table.texts[table.type[row]])


def _mult_adds(table: LayerTable, rows: Sequence[int]) -> int | None:
    is_known = all(table.mult_adds[row] != UNKNOWN for row in rows)
    return total_of(table.mult_adds, rows) if is_known else None


_VALUES: Mapping[str, Callable[[LayerTable, Sequence[int]], Value]] = {
    "params": lambda table, rows: total_of(table.total_parameters, rows),
    "own": lambda table, rows: total_of(table.own_parameters, rows),
    "trainable": lambda table, rows: total_of(table.trainable_parameters, rows),
    "mult_adds": _mult_adds,
    "calls": lambda table, rows: table.calls[rows[0]],
}
