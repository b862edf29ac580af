"""What one forward computes and moves, by the module whose own code does it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from nninspect.engine.flight import Flight
from nninspect.engine.forward import nodes_as_called, record_forward
from nninspect.engine.inputs import dtype_named
from nninspect.engine.layers import Evidence
from nninspect.engine.products import uncounted
from nninspect.engine.structure import count_parameters, size_bytes
from nninspect.engine.tree import layer_tree
from nninspect.protocol.layers import Kind, LayerRow, Tensors
from nninspect.protocol.records import InputSpec

_LOOKUPS = (nn.Embedding, nn.EmbeddingBag)
"""They read no more of their weights than they give."""


class Own(NamedTuple):
    """Of one module's own code in one forward: what is below it left out."""

    mult_adds: int | None
    """None where an op of it has no rule."""
    bytes: int
    """At least so many are read and written: each weight, input and output once a call. Views and
    in-place ops count as none."""
    calls: int
    """Of functions and of layers without parts."""


@dataclass(frozen=True)
class ForwardWork:
    """All of one forward."""

    mult_adds: int | None
    by_path: dict[str, Own]
    uncounted: tuple[str, ...]


def work_of(
    model: nn.Module, inputs: Sequence[InputSpec], device: torch.device
) -> ForwardWork | None:
    """Of one recorded forward; None where it fails. The model is on the device already, and is
    changed by no more than a forward changes it."""
    forward = record_forward(model, inputs, device, Flight())
    if forward.failure is not None:
        return None
    recorder = forward.recorder
    nodes = nodes_as_called(model, recorder)
    count_parameters(nodes)
    evidence = Evidence(calls=recorder.calls, ops=recorder.ops, finished=True)
    rows = layer_tree(nodes, evidence).rows
    weights = {node.path: _weights(node.module) for node in nodes if not node.is_shared}
    return ForwardWork(rows[0].mult_adds, own_work(rows, weights), uncounted(recorder.ops))


def own_work(rows: Sequence[LayerRow], weights: dict[str, int]) -> dict[str, Own]:
    """By the paths of modules that were called; `weights`: the bytes each one reads of its own."""
    below: dict[int, list[LayerRow]] = defaultdict(list)
    open_rows: list[int] = []
    for place, row in enumerate(rows):
        del open_rows[row.depth :]
        if open_rows:
            below[open_rows[-1]].append(row)
        open_rows.append(place)
    return {
        row.path: _own(row, below[place], weights.get(row.path, 0))
        for place, row in enumerate(rows)
        if row.kind is Kind.MODULE and row.calls and row.path in weights
    }


def _own(row: LayerRow, parts: Sequence[LayerRow], weights: int) -> Own:
    ops = [part for part in parts if part.kind is Kind.OP]
    modules = [part for part in parts if part.kind is Kind.MODULE and part.calls]
    if not ops and not modules:
        return Own(row.mult_adds, _moved(row, weights), row.calls)
    is_counted = row.mult_adds is not None and all(op.mult_adds is not None for op in ops)
    known = (row.mult_adds or 0) - sum(part.mult_adds or 0 for part in modules)
    return Own(
        max(0, known) if is_counted else None,
        sum(_moved(op) for op in ops),
        sum(op.calls for op in ops),
    )


def _moved(row: LayerRow, weights: int = 0) -> int:
    """Over all calls; 0 of what only gives its input in another guise."""
    if not row.output_bytes:
        return 0
    if row.different_calls:
        tensors = sum(
            each.times * (_bytes(each.inputs) + _bytes(each.outputs or ()))
            for each in row.different_calls
        )
    else:
        tensors = row.calls * (_bytes(row.inputs or ()) + _bytes(row.outputs or ()))
    return tensors + row.calls * weights


def _bytes(tensors: Tensors) -> int:
    return sum(_size(each.shape) * dtype_named(each.dtype).itemsize for each in tensors)


def _size(shape: Iterable[int]) -> int:
    """Elements; a nested tensor has no one size, so it counts as none."""
    total = 1
    for length in shape:
        total *= max(0, length)
    return total


def _weights(module: nn.Module) -> int:
    """Bytes of weights that one call reads at least."""
    if isinstance(module, _LOOKUPS):
        return 0
    return sum(size_bytes(weight) for weight in module.parameters())
