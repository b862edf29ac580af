"""Mult-adds of subtrees: each leaf by rule, each op by rule, and what only torchinfo has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from torch import nn

from nninspect.engine.mult_adds import has_rule, mult_adds
from nninspect.engine.ops import Op
from nninspect.engine.placement import PlacedOp
from nninspect.engine.recorder import Call
from nninspect.engine.structure import Node
from nninspect.engine.torchinfo_report import TorchinfoCall, TorchinfoReport, is_leaf


def subtree_products(
    nodes: Sequence[Node],
    calls: Mapping[int, Sequence[Call]],
    placed: Sequence[PlacedOp],
    report: TorchinfoReport,
) -> list[int | None]:
    """Of each node and all below it, over all calls; None where nothing in it was counted.

    A shared module's are counted where it stands first; what stands below a module that has a
    rule of its own is counted by that rule.
    """
    of_ops = _of_ops(placed)
    figures: list[int | None] = []
    has_rule_above: list[bool] = []
    for place, node in enumerate(nodes):
        above = node.parent >= 0 and has_rule_above[node.parent]
        by_rule = None if above or node.is_shared else _by_rule(node.module, calls)
        figure = by_rule
        if figure is None and not above and not node.is_shared:
            figure = of_ops[place] if place in of_ops else _of_leaf(node, calls, report)
        figures.append(figure)
        has_rule_above.append(above or by_rule is not None)
    for place in range(len(nodes) - 1, 0, -1):
        figure, parent = figures[place], nodes[place].parent
        if figure is not None and not has_rule_above[parent]:
            figures[parent] = (figures[parent] or 0) + figure
    return figures


def op_products(placed: PlacedOp) -> int | None:
    """Of one row's op, over all calls; None where one of them has no rule."""
    known = [op.mult_adds for op in placed.ops if op.mult_adds is not None]
    return sum(known) if len(known) == len(placed.ops) else None


def uncounted(ops: Iterable[Op]) -> tuple[str, ...]:
    """The ops that were called and have no rule, the most frequent first: "fft ×2"."""
    names = Counter(op.name for op in ops if op.mult_adds is None and op.outputs is not None)
    return tuple(f"{name} ×{times}" for name, times in names.most_common())


def _of_ops(placed: Sequence[PlacedOp]) -> dict[int, int]:
    """The sum of the ops that stand directly under each node, where any was counted."""
    sums: dict[int, int] = defaultdict(int)
    for each in placed:
        if (figure := op_products(each)) is not None:
            sums[each.parent] += figure
    return sums


def _by_rule(module: nn.Module, calls: Mapping[int, Sequence[Call]]) -> int | None:
    if not has_rule(module):
        return None
    recorded = [call for call in calls.get(id(module), ()) if call.outputs is not None]
    found = [mult_adds(module, call.inputs, call.outputs or ()) for call in recorded]
    known = [figure for figure in found if figure is not None]
    return sum(known) if found and len(known) == len(found) else None


def _of_leaf(
    node: Node, calls: Mapping[int, Sequence[Call]], report: TorchinfoReport
) -> int | None:
    """A leaf without weights multiplies nothing; of one without a rule torchinfo may know."""
    module = node.module
    if not is_leaf(module) or not any(call.outputs is not None for call in calls[id(module)]):
        return None
    if not node.total:
        return 0
    return torchinfo_products(report.calls.get(id(module), []))


def torchinfo_products(said: Sequence[TorchinfoCall]) -> int | None:
    """What torchinfo counts over all calls; None where it counted none."""
    return sum(call.mult_adds for call in said) if said else None
