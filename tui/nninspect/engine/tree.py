"""The layer tree: rows of modules and of ops in their order, and the edges between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from nninspect.engine.garbage import no_collections
from nninspect.engine.layers import Evidence, different_calls, module_rows
from nninspect.engine.ops import Op
from nninspect.engine.placement import PlacedOp, first_places, place_ops
from nninspect.engine.products import op_products
from nninspect.engine.recorder import Call
from nninspect.engine.strangers import strangers_as_ops
from nninspect.engine.structure import Node
from nninspect.protocol.layers import INPUT, UNSEEN, Edge, Kind, LayerRow, Mark

OP_TYPE = "op"


class LayerTree(NamedTuple):
    """All rows in pre-order, the edges between them, which row made each of the outputs, and which
    have a module or a parameter together."""

    rows: list[LayerRow]
    edges: list[Edge]
    results: list[int]
    kin: list[Edge]


@no_collections()
def layer_tree(nodes: Sequence[Node], evidence: Evidence) -> LayerTree:
    """The tree of one run; `count_parameters` has run on the nodes."""
    known = {id(node.module) for node in nodes}
    ops, edges, results = strangers_as_ops(
        known, evidence.calls, evidence.ops, evidence.edges, evidence.results
    )
    evidence = replace(evidence, ops=ops, edges=edges, results=results)
    placed = place_ops(nodes, evidence.calls, evidence.ops)
    modules = module_rows(nodes, placed, evidence)
    order = list(_in_order(nodes, placed))
    rows = [
        modules[item] if isinstance(item, int) else _op_row(item, modules[item.parent], evidence)
        for item in order
    ]
    sign(rows)
    return LayerTree(rows, *_flow(nodes, order, evidence), _kin(nodes, order))


def _in_order(nodes: Sequence[Node], placed: Sequence[PlacedOp]) -> Iterator[int | PlacedOp]:
    """Nodes by index and ops, an op after the subtree that it follows."""
    first: dict[int, list[PlacedOp]] = defaultdict(list)
    after: dict[int, list[PlacedOp]] = defaultdict(list)
    for each in placed:
        (first if each.after == each.parent else after)[each.after].append(each)
    open_nodes: list[int] = []
    for place, node in enumerate(nodes):
        while open_nodes and nodes[open_nodes[-1]].depth >= node.depth:
            yield from after.pop(open_nodes.pop(), ())
        yield place
        yield from first.pop(place, ())
        open_nodes.append(place)
    while open_nodes:
        yield from after.pop(open_nodes.pop(), ())


def _op_row(placed: PlacedOp, parent: LayerRow, evidence: Evidence) -> LayerRow:
    last = placed.ops[-1]
    is_failed = evidence.failed_op is not None and evidence.failed_op in placed.ops
    return LayerRow(
        name=placed.name,
        path=f"{parent.path}.{placed.name}" if parent.path else placed.name,
        type=OP_TYPE,
        depth=parent.depth + 1,
        inputs=last.inputs,
        outputs=last.outputs,
        mult_adds=op_products(placed),
        calls=len(placed.ops),
        different_calls=different_calls(placed.ops),
        marks=Mark.FAILED if is_failed else Mark.NONE,
        kind=Kind.OP,
        source=last.source,
        output_bytes=sum(op.output_bytes for op in placed.ops),
    )


def _flow(
    nodes: Sequence[Node], order: Sequence[int | PlacedOp], evidence: Evidence
) -> tuple[list[Edge], list[int]]:
    """Edges between rows, each once, in the order the forward made them, and the rows that made
    the outputs."""
    places = first_places(nodes)
    rows: dict[int, int] = {}
    of_op: dict[int, int] = {}
    for row, item in enumerate(order):
        if isinstance(item, int):
            rows[item] = row
        else:
            of_op.update((id(op), row) for op in item.ops)

    def row_of(maker: Call | Op | None) -> int | None:
        if maker is None:
            return INPUT
        if isinstance(maker, Op):
            return of_op.get(id(maker))
        place = places.get(id(maker.module))
        return None if place is None else rows[place]

    found = ((row_of(made), row_of(used)) for made, used in evidence.edges)
    edges = dict.fromkeys((a, b) for a, b in found if a is not None and b is not None)
    results = [row_of(made) for made in evidence.results]
    return list(edges), [UNSEEN if row is None else row for row in results]


def _kin(nodes: Sequence[Node], order: Sequence[int | PlacedOp]) -> list[Edge]:
    """Each row that has a module or a parameter which another row has first, and that row."""
    rows = {item: row for row, item in enumerate(order) if isinstance(item, int)}
    places = first_places(nodes)
    found: list[Edge] = []
    for place, node in enumerate(nodes):
        others = [places[id(node.module)]] if node.is_shared else node.tied_to
        found += [(rows[place], rows[other]) for other in dict.fromkeys(others) if other != place]
    return found


def sign(rows: Sequence[LayerRow]) -> None:
    """Give fresh rows their signatures: equal where whole subtrees look alike, names below the
    top included. Ops have none, but are part of their modules'."""
    children: dict[int, list[object]] = defaultdict(list)
    numbers: dict[object, int] = {}
    parents: list[int] = []
    open_rows: list[int] = []
    for place, row in enumerate(rows):
        del open_rows[row.depth :]
        parents.append(open_rows[-1] if open_rows else -1)
        open_rows.append(place)
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        calls = (row.inputs, row.outputs, row.different_calls, row.calls)
        parameters = (row.own_parameters, row.trainable_parameters, row.dtype, row.device)
        below = tuple(children.pop(place, ()))
        key = (row.type, row.extra, calls, parameters, row.marks, below)
        number = numbers.setdefault(key, len(numbers) + 1)
        if row.kind is Kind.MODULE:
            msgspec.structs.force_setattr(row, "signature", number)
        children[parents[place]].append((row.name, number))
