"""What a reload changed: the rows of a layer tree that are not as they were."""

from __future__ import annotations

from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Kind, Mark
from nninspect.ui.tree_state import paths


def mark_changes(before: LayerTable, after: LayerTable) -> int:
    """Mark the rows that are new, or whose type, arguments, shapes or parameters are others.

    What one of the two does not know, as where a forward failed, is no change: neither a shape
    nor an op. Returns how many rows are marked.
    """
    is_whole = before.failed() is None
    known = {path: row for row, path in enumerate(paths(before))}
    changed = 0
    for row, path in enumerate(paths(after)):
        old = known.get(path)
        is_new = old is None and (is_whole or after.kind[row] == Kind.MODULE)
        if is_new or (old is not None and _differ(before, old, after, row)):
            after.marks[row] |= Mark.CHANGED
            changed += 1
    return changed


def _differ(before: LayerTable, old: int, after: LayerTable, row: int) -> bool:
    if before.own_parameters[old] != after.own_parameters[row]:
        return True
    if before.text_of(old) != after.text_of(row):
        return True
    shapes = ((before.inputs[old], after.inputs[row]), (before.outputs[old], after.outputs[row]))
    return any(
        was >= 0 and is_now >= 0 and before.tensors[was] != after.tensors[is_now]
        for was, is_now in shapes
    )
