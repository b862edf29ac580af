"""What is kept of a tree's view when its model is looked at again."""

from __future__ import annotations

from nninspect.protocol.layer_table import LayerTable
from nninspect.ui.tree_model import TreeModel


def keep(before: TreeModel | None, after: TreeModel) -> None:
    """Give a new view the filter, the folds and the cursor of an old one, by path.

    What is no longer there is let go; the cursor falls to the nearest parent that is.
    """
    if before is None or not before.rows:
        return
    if not before.shows_ops:
        after.toggle_ops()
    if before.query:
        after.filter(before.query)
    if before.folded:
        after.fold_all(_same_rows(before.table, before.folded, after.table))
    row = _nearest(after.table, before.table.path(before.cursor))
    if row in after.rows:
        after.cursor = row


def _same_rows(before: LayerTable, rows: set[int], after: LayerTable) -> set[int]:
    wanted = {path for row, path in enumerate(paths(before)) if row in rows}
    return {row for row, path in enumerate(paths(after)) if path in wanted}


def _nearest(table: LayerTable, path: str) -> int:
    while path and table.find(path) is None:
        path = path.rpartition(".")[0]
    return table.find(path) or 0


def paths(table: LayerTable) -> list[str]:
    """Every row's module path, in one pass."""
    found: list[str] = []
    for row, parent in enumerate(table.parent):
        name = table.texts[table.name[row]]
        above = found[parent] if parent > 0 else ""
        found.append(f"{above}.{name}" if above else name if parent >= 0 else "")
    return found
