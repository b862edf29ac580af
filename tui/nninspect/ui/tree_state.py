"""What is kept of a tree's view when its model is looked at again."""

from __future__ import annotations

from collections.abc import Collection

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
    _keep_folds(before, after)
    after.cursor = _nearest(after.table, before.table.path(before.cursor))
    after.keep_cursor_in_view()


def _keep_folds(before: TreeModel, after: TreeModel) -> None:
    """What was there is folded or not as it was; what is new stays as it comes."""
    if _is_same_tree(before.table, after.table):
        after.fold_only(before.folded, before.folded_runs)
        return
    paths_before, paths_after = paths(before.table), paths(after.table)
    known = dict(zip(paths_before, range(len(paths_before)), strict=True))
    was = [known.get(path) for path in paths_after]

    def kept(rows: set[int], new: set[int], known: Collection[int]) -> set[int]:
        return {
            row
            for row, old in enumerate(was)
            if (old in rows if old is not None and old in known else row in new)
        }

    after.fold_only(
        kept(before.folded, after.folded, range(len(before.table))),
        kept(before.folded_runs, after.folded_runs, before.runs.members),
    )


def _is_same_tree(before: LayerTable, after: LayerTable) -> bool:
    """Whether both have the same names in the same places, so that rows are the same too."""
    return (
        before.depth == after.depth
        and before.name == after.name
        and all(before.texts[place] == after.texts[place] for place in set(before.name))
    )


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
