"""NN505: a model without parameters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.held import held_in
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.rules.local_layer import LocalLayer
from nninspect.doctor.rules.made_in_forward import made_in_forward
from nninspect.doctor.rules.misspelt_init import MisspeltInit
from nninspect.protocol.findings import Finding, Severity


class NoParameters(Rule):
    """The model has no parameters, so there is nothing to train.

    What it flags: a model of the user's own class without any parameter. It is silent where
        layers or tensors are held that were not registered (NN501, NN502), or made in forward
        (NN507), dropped (NN105) or never made (NN103): those tell the
        reason; and where the model is a layer of torch's own.
    Why: an optimizer refuses an empty list of parameters, and nothing can be learnt.
    Instead: make the layers in `__init__` and assign them to `self`.
    Example:
        def __init__(self):
            super().__init__()  # and no layers
        def __init__(self):
            super().__init__(); self.fc = nn.Linear(64, 10)
    """

    code = "NN505"
    name = "no-parameters"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure, model = evidence.structure, evidence.structure.model
        written = evidence.source.of_class(type(model))
        has_any = structure.parameters or structure.is_quantized
        if has_any or written is None or _holds_any(evidence):
            return
        modules = len(list(structure.modules())) - 1
        yield self.finding(
            f"{type(model).__name__} has no parameters in its {modules} modules.",
            why="An optimizer refuses an empty list of parameters, and nothing can be learnt.",
            change="self.fc = nn.Linear(...)  # in __init__",
        )


def _holds_any(evidence: Evidence) -> bool:
    """There are some, which another rule tells about."""
    structure = evidence.structure
    values = [
        value
        for _, module in structure.modules()
        for value in structure.plain_attributes(module).values()
    ]
    layers = [layer for value in values for layer in held_in(value, nn.Module)]
    tensors = [tensor for value in values for tensor in held_in(value, torch.Tensor)]
    return (
        any(next(layer.parameters(), None) is not None for layer in layers)
        or any(tensor.requires_grad for tensor in tensors)
        or next(made_in_forward(evidence), None) is not None
        or any(next(rule().check(evidence), None) for rule in (MisspeltInit, LocalLayer))
    )
