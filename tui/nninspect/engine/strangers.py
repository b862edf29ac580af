"""Modules that a forward makes and calls: they stand in no tree, so their calls are ops."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import merge

from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.engine.mult_adds import mult_adds
from nninspect.engine.ops import Op
from nninspect.engine.recorder import Call, Maker

Edges = Sequence[tuple[Maker | None, Maker]]
Results = Sequence[Maker | None]


def strangers_as_ops(
    known: Collection[int],
    calls: Sequence[Call],
    ops: Sequence[Op],
    edges: Edges,
    results: Results,
) -> tuple[Sequence[Op], Edges, Results]:
    """The ops, edges and results with a call of one of torch's leaf modules as an op, where its
    module is not one of those known by `id`. What other modules call is seen by itself."""
    found = {
        place: _as_op(place, call)
        for place, call in enumerate(calls)
        if id(call.module) not in known and is_leaf_of_torch(call.module)
    }
    if not found:
        return ops, edges, results
    of_call: dict[int, Op] = {id(calls[place]): op for place, op in found.items()}
    merged = list(merge(ops, found.values(), key=lambda op: op.after))
    known_edges = [
        (made and of_call.get(id(made), made), of_call.get(id(used), used)) for made, used in edges
    ]
    return merged, known_edges, [made and of_call.get(id(made), made) for made in results]


def _as_op(place: int, call: Call) -> Op:
    """An op that began when this many calls had."""
    op = Op(type(call.module).__name__, "", call.inside, place, call.inputs, call.outputs)
    op.output_bytes = call.output_bytes
    if call.outputs is not None:
        op.mult_adds = mult_adds(call.module, call.inputs, call.outputs)
        if op.mult_adds is None and next(call.module.parameters(), None) is None:
            op.mult_adds = 0
    return op
