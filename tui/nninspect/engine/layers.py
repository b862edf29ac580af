"""The rows of modules: structure, recorded calls and torchinfo's figures, joined.

The figure shown is torchinfo's wherever it is right. Where it is not, the recorded one is shown,
the row is marked, and a note has both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import nn
from torch.jit import ScriptModule

from nninspect.engine.ops import Op
from nninspect.engine.placement import PlacedOp
from nninspect.engine.products import subtree_products, torchinfo_products
from nninspect.engine.recorder import Call, Maker
from nninspect.engine.structure import Node, has_forward
from nninspect.engine.tensors import device_name, dtype_name
from nninspect.engine.torchinfo_report import TorchinfoReport, is_leaf
from nninspect.errors import Interrupted
from nninspect.protocol.layers import CallShapes, LayerRow, Mark, Tensors

MAX_DIFFERENT = 64
"""Different calls of one module that are kept: a decoder's lengths all differ."""

MAX_EXTRA = 200
"""Characters of a module's `extra_repr` that are kept."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one run: calls, ops and edges, how it ended, and what torchinfo says."""

    calls: Sequence[Call] = ()
    ops: Sequence[Op] = ()
    edges: Sequence[tuple[Maker | None, Maker]] = ()
    results: Sequence[Maker | None] = ()
    """What made each of the model's outputs; None for one of its inputs."""
    failed: Call | None = None
    failed_op: Op | None = None
    finished: bool = False
    elsewhere: Collection[int] = ()
    """Modules, by `id`, that another thread called, where nothing is recorded."""
    unrun: str = ""
    """What the model gave that would have run more of it, as "a generator"."""
    torchinfo: TorchinfoReport = field(default_factory=TorchinfoReport)


def module_rows(
    nodes: Sequence[Node], placed: Sequence[PlacedOp], evidence: Evidence
) -> list[LayerRow]:
    """One row a node; `count_parameters` has run on the nodes."""
    calls: dict[int, list[Call]] = defaultdict(list)
    for call in evidence.calls:
        calls[id(call.module)].append(call)
    products = subtree_products(nodes, calls, placed, evidence.torchinfo)
    reached = _reached(nodes, {*evidence.elsewhere, *(key for key, made in calls.items() if made)})
    placements = _placements(nodes)
    return [
        _row(
            node,
            calls[id(node.module)],
            products[place],
            reached[place],
            placements[place],
            evidence,
        )
        for place, node in enumerate(nodes)
    ]


def _row(
    node: Node,
    calls: list[Call],
    products: int | None,
    reached: bool,
    placement: tuple[str, str],
    evidence: Evidence,
) -> LayerRow:
    last = calls[-1] if calls else None
    unseen = None if has_forward(node.module) else ()
    differences = _difference_notes(node, calls, products, evidence.torchinfo)
    marks = _marks(node, reached, evidence)
    if differences:
        marks |= Mark.DIFFERS
    dtype, device = placement
    return LayerRow(
        name=node.name,
        path=node.path,
        type=_type_name(node.module),
        depth=node.depth,
        inputs=last.inputs if last else unseen,
        outputs=last.outputs if last else unseen,
        own_parameters=node.own,
        total_parameters=node.total,
        trainable_parameters=node.trainable,
        mult_adds=products,
        calls=len(calls),
        different_calls=different_calls(calls),
        dtype=dtype,
        device=device,
        marks=marks,
        notes=(*_tie_notes(node), *_unseen_notes(node, evidence), *differences),
        extra=_extra(node.module),
        output_bytes=0 if node.is_shared else sum(call.output_bytes for call in calls),
    )


def different_calls(calls: Sequence[Call] | Sequence[Op]) -> tuple[CallShapes, ...]:
    """Each different pair of inputs and outputs; none where all calls were alike."""
    if len(calls) < 2:
        return ()
    times = Counter((call.inputs, call.outputs) for call in calls)
    if len(times) < 2:
        return ()
    found = (CallShapes(inputs, outputs, count) for (inputs, outputs), count in times.items())
    return tuple(islice(found, MAX_DIFFERENT))


def _type_name(module: nn.Module) -> str:
    """The class that the user wrote, where it was scripted."""
    scripted = getattr(module, "original_name", "") if isinstance(module, ScriptModule) else ""
    return str(scripted) or type(module).__name__


def _marks(node: Node, reached: bool, evidence: Evidence) -> Mark:
    marks = Mark.NONE
    if node.is_cycle:
        marks |= Mark.CYCLE
    elif node.is_shared:
        marks |= Mark.SHARED
    if node.tied:
        marks |= Mark.TIED
    if node.total and not node.trainable:
        marks |= Mark.FROZEN
    is_whole = evidence.finished and not evidence.unrun
    if is_whole and not reached and not _is_out_of_sight(node.module):
        marks |= Mark.UNCALLED
    if evidence.failed is not None and evidence.failed.module is node.module:
        marks |= Mark.FAILED
    return marks


def _is_out_of_sight(module: nn.Module) -> bool:
    """It has no forward to be called; or is part of a ScriptModule, called where Python can't
    see it."""
    return not has_forward(module) or isinstance(module, ScriptModule)


def _reached(nodes: Sequence[Node], called: Collection[int]) -> list[bool]:
    """Whether a node, or anything below it, was called."""
    reached = [id(node.module) in called for node in nodes]
    for place in range(len(nodes) - 1, 0, -1):
        if reached[place]:
            reached[nodes[place].parent] = True
    return reached


def _tie_notes(node: Node) -> list[str]:
    notes = [f"tied: {pair}" for pair in node.tied]
    if node.is_cycle:
        return ["contains itself; the tree stops here", *notes]
    if node.is_shared:
        return [f"the same module as {node.first_path or 'the root'}", *notes]
    return notes


def _unseen_notes(node: Node, evidence: Evidence) -> list[str]:
    """What happened, or would have, where nothing is recorded."""
    notes: list[str] = []
    if id(node.module) in evidence.elsewhere:
        notes.append("called in another thread, where no shapes are seen")
    if evidence.unrun and node.depth == 0:
        notes.append(f"gives {evidence.unrun}, which was not run")
    return notes


def _difference_notes(
    node: Node, calls: list[Call], products: int | None, report: TorchinfoReport
) -> list[str]:
    """What torchinfo says otherwise of this row, and what it should have said."""
    said = report.calls.get(id(node.module), [])
    notes: list[str] = []
    if node.depth == 0 and report.parameters not in (None, node.total):
        notes.append(f"parameters {node.total:,}, torchinfo {report.parameters:,}")
    if not said or not calls:
        return notes
    for name, ours, theirs in (
        ("input", calls[-1].inputs, said[-1].input_size),
        ("output", calls[-1].outputs, said[-1].output_size),
    ):
        shapes = _shapes(ours)
        if shapes and theirs not in shapes:
            right = ", ".join(map(str, shapes))
            notes.append(f"{name} {right}, torchinfo {list(theirs)}")
    if said[-1].parameters != node.total and node.depth > 0:
        notes.append(f"parameters {node.total:,}, torchinfo {said[-1].parameters:,}")
    theirs_products = torchinfo_products(said)
    if is_leaf(node.module) and products is not None and theirs_products != products:
        notes.append(f"mult-adds {products:,}, torchinfo {theirs_products:,}")
    return notes


def _shapes(tensors: Tensors | None) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in tensors or ()]


def _placements(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """The dtype and the device of each node's subtree: one name, "mixed", or ""."""
    found = [_placement(node.module) for node in nodes]
    for place in range(len(nodes) - 1, 0, -1):
        parent = nodes[place].parent
        if found[place] != found[parent]:
            dtypes, devices = zip(found[place], found[parent], strict=True)
            found[parent] = _one_name({*dtypes} - {""}), _one_name({*devices} - {""})
    return found


def _placement(module: nn.Module) -> tuple[str, str]:
    """Of the module's own tensors."""
    tensors = _own_tensors(module)
    if len(tensors) == 1:
        return dtype_name(tensors[0].dtype), device_name(tensors[0].device)
    return _one_name({dtype_name(t.dtype) for t in tensors}), _one_name(
        {device_name(t.device) for t in tensors}
    )


def model_dtype(model: nn.Module) -> str:
    """The dtype of a whole model, as its root's row has it."""
    return _one_name({dtype_name(t.dtype) for m in model.modules() for t in _own_tensors(m)})


def _own_tensors(module: nn.Module) -> list[torch.Tensor]:
    """Parameters; the buffers of a module that has none (integer counters say little)."""
    parameters: Iterable[torch.Tensor | None] = module._parameters.values()
    held = [p for p in parameters if p is not None]
    return held or [b for b in module._buffers.values() if b is not None]


def _one_name(names: set[str]) -> str:
    return "mixed" if len(names) > 1 else next(iter(names), "")


def _extra(module: nn.Module) -> str:
    try:
        text = module.extra_repr()
    except Interrupted:
        raise
    except BaseException:  # a user's extra_repr may ask for what is not there yet
        return ""
    return " ".join(text.split())[:MAX_EXTRA]
