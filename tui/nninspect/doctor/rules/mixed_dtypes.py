"""NN704: layers of different floating dtypes in one model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.roles import Role, name_of, role_of
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.structure import Structure
from nninspect.protocol.findings import Finding, Severity

_COMPARED = frozenset({Role.AFFINE, Role.RECURRENT, Role.ATTENTION, Role.EMBEDDING})
_WIDE = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Narrower ones are a store for weights, and are computed with in another dtype."""


class MixedDtypes(Rule):
    """Layers of one model have weights of different floating dtypes.

    What it flags: linear, convolutional, recurrent, attention and embedding layers whose weights
        are not all of one floating dtype. Norms are left alone: they are often kept in float32
        on purpose. Where the forward works all the same it casts, so it is an info; frozen
        weights beside trained ones of another dtype (adapters) are left alone.
    Why: PyTorch's layers do not cast: "expected mat1 and mat2 to have the same dtype". A single
        `.half()` or `.double()` on a part, or weights loaded with another dtype, does it.
    Instead: convert the whole model: `model.to(torch.float32)`, and leave mixed precision to
        `torch.autocast`.
    Example:
        model.head.double()
        model.to(torch.float32)
    """

    code = "NN704"
    name = "mixed-dtypes"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        dtypes = _dtypes(evidence.structure)
        usual = Counter(dtype for dtype, _ in dtypes.values()).most_common(1)
        odd = {path: dtype for path, (dtype, _) in dtypes.items() if dtype != usual[0][0]}
        if not odd or _are_adapters(dtypes):
            return
        path, dtype = next(iter(odd.items()))
        more = f", and so are {len(odd) - 1} more layers" if len(odd) > 1 else ""
        works = evidence.recorded is not None and evidence.forward_failure is None
        yield self.finding(
            f"{path or 'The model'} is {_short(dtype)}{more}; the other {len(dtypes) - len(odd)}"
            f" layers are {_short(usual[0][0])}.",
            why="Layers do not cast what they get, so the forward fails where the two meet"
            " unless something casts between them.",
            change=f"model.to({usual[0][0]})",
            at=evidence.at_path(path),
            severity=Severity.INFO if works else None,
            related=tuple(odd)[1:],
        )


def _dtypes(structure: Structure) -> dict[str, tuple[torch.dtype, bool]]:
    """(dtype, is trained) of each layer that has weights of its own."""
    found: dict[str, tuple[torch.dtype, bool]] = {}
    for path, module in structure.modules():
        weight = next((p for p in module._parameters.values() if p is not None), None)
        is_compared = role_of(name_of(module)) in _COMPARED
        if is_compared and weight is not None and weight.dtype in _WIDE:
            found[path] = (weight.dtype, weight.requires_grad)
    return found


def _are_adapters(dtypes: dict[str, tuple[torch.dtype, bool]]) -> bool:
    """All trained layers are of one dtype and all frozen ones of another."""
    trained = {dtype for dtype, is_trained in dtypes.values() if is_trained}
    frozen = {dtype for dtype, is_trained in dtypes.values() if not is_trained}
    return len(trained) == 1 and len(frozen) == 1


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
