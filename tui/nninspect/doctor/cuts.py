"""Where a forward cuts the gradient off from parameters that want one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rewrite import without
from nninspect.doctor.source import is_self, nodes_in
from nninspect.doctor.step import Step
from nninspect.doctor.trace import Trace

_WRITTEN = ("data", "no_grad", "inference_mode", "detach_")
"""What the trace has no step of."""
_COPIES = frozenset({"detach", "tensor", "as_tensor"})
_FREEZE = "requires_grad_(False)"


class Cut(NamedTuple):
    """One place behind which no gradient comes back."""

    what: str
    names: tuple[str, ...]
    """The parameters before it that get none."""
    at: Place
    change: str


def cuts(evidence: Evidence, names: Iterable[str]) -> list[Cut]:
    """What keeps the gradient from the parameters of these names that the forward does use."""
    parameters, used = evidence.structure.parameters, _used(evidence.trace)
    lost = {name for name in names if id(parameters.get(name)) in used}
    if not lost:
        return []
    return [*_in_the_trace(evidence, lost), *_in_the_source(evidence, lost)]


def _in_the_trace(evidence: Evidence, lost: set[str]) -> Iterator[Cut]:
    names = {id(evidence.structure.parameters[name]): name for name in lost}
    told: set[str] = set()
    for step in evidence.trace.steps:
        if not step.notes.file or not (_is_copy(evidence, step) or _is_choice(step)):
            continue
        cut = tuple(names[id(w)] for w in _weights_before(step) if id(w) in names)
        if told.issuperset(cut):
            continue
        told.update(cut)
        yield Cut(step.called, cut, step.at, _change(evidence, step))


def _change(evidence: Evidence, step: Step) -> str:
    if _is_choice(step):
        return "p = F.gumbel_softmax(logits, hard=True)  # a choice that lets the gradient through"
    written = without(evidence, step)
    if ".numpy(" in written or ".tolist(" in written:
        return "Stay with tensors: torch has what numpy has, and keeps the gradient."
    return f"{written or 'leave it out'}  # or freeze what is before it with {_FREEZE}"


def _is_copy(evidence: Evidence, step: Step) -> bool:
    """The user wrote it: what torch does of its own accord is meant."""
    return step.name in _COPIES and bool(without(evidence, step))


def _is_choice(step: Step) -> bool:
    """Whole numbers or truth values are made of floating ones."""
    made, given = step.outputs[:1], step.inputs[:1]
    return (
        bool(made and given)
        and given[0].dtype.startswith(("float", "bfloat"))
        and made[0].dtype.startswith(("int", "uint", "bool"))
    )


def _in_the_source(evidence: Evidence, lost: set[str]) -> Iterator[Cut]:
    for method in evidence.forward_code():
        start = f"{method.path}." if method.path else ""
        for node, block in _cutting(method.node):
            inside = (start,) if block is None else _names_in(block, start)
            cut = tuple(sorted(name for name in lost if f"{name}.".startswith(inside)))
            if cut:
                at = Place(method.path, method.file.path, node.lineno)
                change = f"Leave it out, or freeze those parameters with {_FREEZE}."
                yield Cut(f".{node.attr} in {method.name}", cut, at, change)


def _cutting(method: ast.FunctionDef) -> Iterator[tuple[ast.Attribute, ast.With | None]]:
    """Each `.data` and `no_grad`, and the block that it is about, where it is one."""
    blocks = {
        id(part): block
        for block in nodes_in(method)
        if isinstance(block, ast.With)
        for item in block.items
        for part in nodes_in(item.context_expr)
    }
    for node in nodes_in(method):
        if isinstance(node, ast.Attribute) and node.attr in _WRITTEN:
            yield node, blocks.get(id(node))


def _names_in(code: ast.AST, start: str) -> tuple[str, ...]:
    """How the names of all begin that is used as `self.name` in some code."""
    used = (node for node in nodes_in(code) if isinstance(node, ast.Attribute) and is_self(node))
    return tuple(f"{start}{node.attr}." for node in used)


def _used(trace: Trace) -> set[int]:
    """The parameters that the forward needs, by `id`."""
    return {id(weight) for step in trace.steps for weight in step.weights}


def _weights_before(step: Step) -> list[nn.Parameter]:
    """The parameters of every step that what a step gets comes from."""
    waiting, seen = [step], {step}
    found: list[nn.Parameter] = []
    while waiting:
        for producer in waiting.pop().producers:
            if producer is not None and producer not in seen:
                seen.add(producer)
                found.extend(producer.weights)
                waiting.append(producer)
    return found
