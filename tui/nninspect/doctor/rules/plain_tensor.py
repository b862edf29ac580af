"""NN503: a constant tensor that is no buffer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.held import held_tensors
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.source import is_self, nodes_in
from nninspect.doctor.written import functions
from nninspect.protocol.findings import Finding, Severity


class PlainTensor(Rule):
    """A constant tensor is a plain attribute, and no buffer.

    What it flags: an attribute that `__init__` sets to a tensor without gradient, of one
        dimension and more, and that forward uses. Single numbers, which work from any device,
        and what forward itself sets, as a cache, are left alone.
    Why: `model.to(device)` leaves it behind, so the forward fails on another device; the
        `state_dict` does not have it.
    Instead: `self.register_buffer("mask", mask)`, with `persistent=False` where it need not be
        saved.
    Example:
        self.mask = torch.ones(16, 16).tril()
        self.register_buffer("mask", torch.ones(16, 16).tril())
    """

    code = "NN503"
    name = "plain-tensor"
    severity = Severity.INFO
    needs = frozenset({Need.STRUCTURE, Need.SOURCE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        for path, name, tensors in held_tensors(structure):
            module = structure.by_path[path]
            constant = [t for t in tensors if t.dim() and not t.requires_grad]
            if constant and _is_set_once_and_used(evidence, module, name):
                shapes = ", ".join(str(tuple(tensor.shape)) for tensor in constant[:3])
                yield self.finding(
                    f"self.{name} holds {_count(len(constant))} of shape {shapes} on"
                    f" {constant[0].device}, no buffer of the model.",
                    why="model.to(device) leaves it behind, and the state_dict does not have it.",
                    change=f'self.register_buffer("{name}", ...)',
                    at=evidence.at_attribute(path, type(module), name),
                )


def _count(number: int) -> str:
    return "a tensor" if number == 1 else f"{number} tensors"


def _is_set_once_and_used(evidence: Evidence, module: nn.Module, name: str) -> bool:
    """Only constructors set it, and another method reads it."""
    is_set = is_read = False
    for base in type(module).__mro__:
        written = evidence.source.of_class(base)
        for function in functions(written) if written is not None else ():
            is_constructor = function.name == "__init__"
            for node in nodes_in(function):
                if not is_self(node, name):
                    continue
                stores = isinstance(getattr(node, "ctx", None), ast.Store)
                if stores and not is_constructor:
                    return False
                is_set |= stores
                is_read |= not stores and not is_constructor
    return is_set and is_read
