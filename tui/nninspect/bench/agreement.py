"""Whether two rows compute the same: error over scale, direction, the largest output's place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nninspect.engine.tensors import tensors_in
from nninspect.protocol.bench import Agreement
from nninspect.protocol.bench_plan import Key

LIMITS = {"float64": 1e-5, "float32": 1e-5, "float16": 5e-3, "bfloat16": 2e-2}
"""Of the largest absolute error over the largest absolute value, by the coarser dtype.

What rounding alone can do, with u half of the dtype's epsilon, errors of random sign, and a
largest output about three times a typical one. A sum of n products, one after another, is off by
u sqrt(n/2) of itself; two orders of it, and layers on top of each other, add up in squares. So
float32 (u = 6e-8) stays below u/3 sqrt(n1 + n2 + ...): 1e-5 at 230,000 in all, as fifty layers of
4,608. Kernels sum in blocks, which is several times better. Lower precisions round what is
multiplied, so each layer adds u, whatever its length: u sqrt(2 layers)/3 reaches 5e-3 in TF32 and
float16 (u = 4.9e-4), and 2e-2 in bfloat16 (u = 2e-3), at some 470 layers. A layer that is wrong is
off by tenths.
"""

TF32_LIMIT = 5e-3
FLOAT32_UNIT = 2.0**-24


def kept_output(output: object) -> list[Tensor]:
    """What is kept of a forward's output to compare it later: its tensors, on the CPU."""
    found = [each.detach() for _, each in tensors_in(output)]
    return [each.to("cpu", copy=True) for each in found if not each.is_sparse]


def limit(dtypes: Sequence[str], *, tf32: bool = False, summed: int = 0) -> float:
    """The limit for rows of these dtypes: the loosest one's. `summed`: the products that are added
    up for one output of every layer, in all; beyond what float32's limit is for, it grows."""
    limits = [LIMITS.get(each, LIMITS["float32"]) for each in dtypes]
    grown = FLOAT32_UNIT / 3 * math.sqrt(summed)
    return max([*limits, grown, *([TF32_LIMIT] if tf32 else [])])


def products_summed(model: nn.Module) -> int:
    """For one output of each layer, over all layers, by their weights: (out, in ...)."""
    weights = (each for each in model.parameters() if each.dim() > 1 and len(each))
    return sum(each.numel() // len(each) for each in weights)


def agreement(
    output: Sequence[Tensor], reference: Sequence[Tensor], against: Key, limit: float
) -> Agreement:
    """How far an output is from the reference's. Tensors as of `kept_output`."""
    if [each.shape for each in output] != [each.shape for each in reference]:
        return _different(against, limit)
    pairs = [
        (ours.to(torch.float64), theirs.to(torch.float64))
        for ours, theirs in zip(map(_real, output), map(_real, reference), strict=True)
        if ours.numel()
    ]
    error = max((_error(*pair) for pair in pairs), default=0.0)
    return Agreement(
        against=against,
        max_error=error if math.isfinite(error) else None,
        cosine_distance=max((_cosine_distance(*pair) for pair in pairs), default=0.0),
        argmax_agreement=_argmax_agreement(*pairs[0]) if pairs else None,
        limit=limit,
        agrees=error <= limit,
    )


def _different(against: Key, limit: float) -> Agreement:
    return Agreement(
        against=against,
        max_error=None,
        cosine_distance=1.0,
        argmax_agreement=None,
        limit=limit,
        agrees=False,
    )


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def _error(ours: Tensor, theirs: Tensor) -> float:
    """The largest absolute error over the reference's largest finite absolute value.

    Infinite where one has a value that is not finite and the other has another.
    """
    odd = ~(ours.isfinite() & theirs.isfinite())
    if not torch.equal(ours[odd].nan_to_num(), theirs[odd].nan_to_num()):
        return math.inf
    if not torch.equal(ours.isnan(), theirs.isnan()):
        return math.inf
    difference = (ours - theirs)[~odd].abs()
    if not difference.numel() or difference.max() == 0:
        return 0.0
    scale = float(theirs[~odd].abs().max())
    return float(difference.max()) / scale if scale else math.inf


def _cosine_distance(ours: Tensor, theirs: Tensor) -> float:
    one, other = ours.nan_to_num().flatten(), theirs.nan_to_num().flatten()
    lengths = float(one.norm() * other.norm())
    if not lengths:
        return 0.0 if torch.equal(one, other) else 1.0
    return max(0.0, 1 - float(one @ other) / lengths)


def _argmax_agreement(ours: Tensor, theirs: Tensor) -> float | None:
    """Over the last dimension of the first output; None where there is nothing to choose from."""
    if ours.dim() < 2 or ours.shape[-1] < 2:
        return None
    return float((ours.argmax(-1) == theirs.argmax(-1)).double().mean())
