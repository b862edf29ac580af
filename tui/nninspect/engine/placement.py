"""Where each op stands in the tree: under the module that called it, after what was called before.

A module called several times has its ops once, as the first call made them; what only a later
call did follows. An op between the calls of a ModuleList's members stands between them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nninspect.engine.ops import Op
from nninspect.engine.recorder import Call
from nninspect.engine.structure import Node, has_forward

LOOK_AHEAD = 64
"""Ops of an earlier call that a later one may have skipped before it is taken for another."""


@dataclass(slots=True, eq=False)
class PlacedOp:
    """One row: a call in the source, and the op it was in each call of its module."""

    parent: int
    """The node it stands under."""
    after: int
    """The node whose subtree it follows; the parent itself where it comes first."""
    ops: list[Op]
    name: str = ""
    """Unique among its siblings: "relu", "relu#2"."""


def place_ops(nodes: Sequence[Node], calls: Sequence[Call], ops: Sequence[Op]) -> list[PlacedOp]:
    """Every op that a module of the tree made, in the order of their first calls."""
    places = first_places(nodes)
    owners = _owners(calls, places)
    of_node: dict[int, list[PlacedOp]] = defaultdict(list)
    cursor: Counter[int] = Counter()
    placed: list[PlacedOp] = []
    for op in ops:
        call = owners[op.inside] if op.inside >= 0 else -1
        if call < 0:
            continue
        node = places[id(calls[call].module)]
        known = of_node[node]
        match = _find(known, op, cursor[call])
        if match is None:
            known.append(PlacedOp(*_stand(nodes, calls, places, call, op, known), [op]))
            placed.append(known[-1])
            cursor[call] = len(known)
        else:
            known[match].ops.append(op)
            cursor[call] = match + 1
    _name(nodes, placed)
    return placed


def first_places(nodes: Sequence[Node]) -> dict[int, int]:
    """The first node of each module, by `id`."""
    return {id(node.module): place for place, node in reversed(list(enumerate(nodes)))}


def _owners(calls: Sequence[Call], places: Mapping[int, int]) -> list[int]:
    """For each call the innermost one around it, itself included, whose module is in the tree."""
    owners: list[int] = []
    for index, call in enumerate(calls):
        if id(call.module) in places:
            owners.append(index)
        else:
            owners.append(owners[call.inside] if call.inside >= 0 else -1)
    return owners


def _find(known: Sequence[PlacedOp], op: Op, start: int) -> int | None:
    for index in range(start, min(len(known), start + LOOK_AHEAD)):
        first = known[index].ops[0]
        if (first.name, first.source) == (op.name, op.source):
            return index
    return None


def _stand(
    nodes: Sequence[Node],
    calls: Sequence[Call],
    places: Mapping[int, int],
    call: int,
    op: Op,
    known: Sequence[PlacedOp],
) -> tuple[int, int]:
    """(parent, after): the last module called before it is what it follows.

    It stands within a container only between the calls of its members, or where an op of the
    same line does: what comes after a loop is no part of the loop.
    """
    node = places[id(calls[call].module)]
    way = _way(nodes, calls, places, call, op.after - 1)
    if not way:
        return node, node
    inner = _containers(nodes, way)
    parent = ([node, *way])[inner]
    following = _way(nodes, calls, places, call, op.after)
    is_between = following[:inner] == way[:inner]
    if is_between or any(k.parent == parent and k.ops[0].source == op.source for k in known):
        return parent, way[inner]
    return node, way[0]


def _way(
    nodes: Sequence[Node],
    calls: Sequence[Call],
    places: Mapping[int, int],
    call: int,
    index: int,
) -> list[int]:
    """From below a call's node down to the module that the call made at that index, or around
    it; none where it made none then."""
    while call < index < len(calls) and calls[index].inside != call:
        index = calls[index].inside
    if not call < index < len(calls) or id(calls[index].module) not in places:
        return []
    return _way_down(nodes, places[id(calls[call].module)], places[id(calls[index].module)])


def _containers(nodes: Sequence[Node], way: Sequence[int]) -> int:
    """How many containers, modules without a forward, a way leads through first."""
    return next(
        (depth for depth, step in enumerate(way[:-1]) if has_forward(nodes[step].module)),
        len(way) - 1,
    )


def _way_down(nodes: Sequence[Node], top: int, place: int) -> list[int]:
    """The nodes from below `top` down to a place; none where it is not below."""
    way: list[int] = []
    while place > top:
        way.append(place)
        place = nodes[place].parent
    return way[::-1] if place == top else []


def _name(nodes: Sequence[Node], placed: Sequence[PlacedOp]) -> None:
    taken: dict[int, set[str]] = defaultdict(set)
    for node in nodes:
        taken[node.parent].add(node.name)
    count: Counter[tuple[int, str]] = Counter()
    for each in placed:
        base = each.ops[0].name
        name, names = base, taken[each.parent]
        while name in names:
            count[each.parent, base] += 1
            name = f"{base}#{count[each.parent, base] + 1}"
        names.add(name)
        each.name = name
