"""NN502: a tensor to be trained that is no parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.held import held_tensors
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

MAX_NODES = 1000


class PlainTensorWithGrad(Rule):
    """A tensor that wants a gradient is an attribute, and no parameter of the model.

    What it flags: an attribute that is, or contains in a list or dict, a tensor with
        `requires_grad`, an `nn.Parameter` included, or the result of a computation with a
        parameter that the model does not have. Values computed from registered parameters, as
        weight norm keeps them, are left alone.
    Why: `parameters()` does not have it, so no optimizer trains it; it is not saved and not moved.
    Instead: assign `nn.Parameter(...)` itself, and compute with it in forward; wrap several in
        `nn.ParameterList`.
    Example:
        self.scale = nn.Parameter(torch.ones(8)) * 0.1  # the product is no parameter
        self.scale = nn.Parameter(torch.ones(8) * 0.1)
    """

    code = "NN502"
    name = "plain-tensor-with-grad"
    severity = Severity.ERROR
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        known = {id(parameter) for parameter in structure.parameters.values()}
        for path, name, tensors in held_tensors(structure):
            lost = [tensor for tensor in tensors if _is_lost(tensor, known)]
            if lost:
                kind = type(structure.by_path[path])
                yield self.finding(
                    f"self.{name} {_seen(lost)} the model does not know of.",
                    why="It is in no parameters(), so no optimizer trains it; it is not saved and"
                    " not moved by to(device).",
                    change=_change(name, lost),
                    at=evidence.at_attribute(path, kind, name),
                )


def _is_lost(tensor: torch.Tensor, known: set[int]) -> bool:
    """It, or what it was computed from, is to be trained and is not registered."""
    if not tensor.requires_grad or id(tensor) in known:
        return False
    return any(id(leaf) not in known for leaf in _leaves(tensor))


def _leaves(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The tensors to be trained that it was computed from; itself where it was not computed."""
    if tensor.grad_fn is None:
        return [tensor]
    leaves: list[torch.Tensor] = []
    waiting, seen = [tensor.grad_fn], {tensor.grad_fn}
    while waiting and len(seen) < MAX_NODES:
        node = waiting.pop()
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, torch.Tensor):
            leaves.append(leaf)
        fresh = {each for each, _ in node.next_functions if each is not None} - seen
        seen |= fresh
        waiting.extend(fresh)
    return leaves


def _seen(lost: Sequence[torch.Tensor]) -> str:
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in lost[:3])
    numbers = sum(tensor.numel() for tensor in lost)
    if len(lost) > 1:
        return f"holds {len(lost)} tensors that want a gradient, {numbers:,} numbers in all, that"
    how = (
        "is computed from a parameter that"
        if lost[0].grad_fn is not None
        else "wants a gradient and"
    )
    return f"of shape {shapes} {how}"


def _change(name: str, lost: Sequence[torch.Tensor]) -> str:
    if len(lost) > 1:
        return f"self.{name} = nn.ParameterList([...])"
    inside = "..." if isinstance(lost[0], nn.Parameter) else f"torch.empty({tuple(lost[0].shape)})"
    return f"self.{name} = nn.Parameter({inside})  # the parameter itself"
