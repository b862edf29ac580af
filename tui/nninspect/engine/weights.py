"""Statistics of a model's tensors, computed where they are, with nothing of the model changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from nninspect.engine.examine import Report
from nninspect.engine.load import SEED
from nninspect.engine.structure import numel, size_bytes, walk
from nninspect.errors import BadInput
from nninspect.protocol.weights import BINS, MOST_VALUES, TensorStats, Values

NO_VALUES = "on meta: it has no values"
PIECE = 2**24
"""A large tensor is looked through in pieces: none takes memory of its size, or long to stop."""
LAZY = "lazy: it has no shape before the first forward"

Named: TypeAlias = tuple[torch.Tensor, list[str], bool]
"""A tensor, its paths, and whether it is saved with the model."""


def describe_weights(
    model: nn.Module, path: str, below: bool, report: Report
) -> tuple[TensorStats, ...]:
    """The tensors of the module at a path, or of all its subtree, each once.

    Raises BadInput where there is no such module.
    """
    found = _tensors(module_at(model, path), path, below)
    described = []
    for number, (tensor, names, is_saved) in enumerate(found.values()):
        report("describing weights", number / len(found))
        described.append(_described(tensor, names, is_saved))
    return tuple(described)


def module_at(model: nn.Module, path: str) -> nn.Module:
    """Raises BadInput where there is none."""
    for node in walk(model):
        if node.path == path:
            return node.module
    raise BadInput(f"the model has no module {path!r}", "Press r: its file may have changed")


def _tensors(module: nn.Module, path: str, below: bool) -> dict[int, Named]:
    """Each tensor with all its paths, the first one first."""
    found: dict[int, Named] = {}
    for holder_path, holder in _holders(module, path, below):
        for name, tensor in _own_tensors(holder):
            full = f"{holder_path}.{name}" if holder_path else name
            is_saved = name not in getattr(holder, "_non_persistent_buffers_set", ())
            found.setdefault(id(tensor), (tensor, [], is_saved))[1].append(full)
    return found


def _holders(module: nn.Module, path: str, below: bool) -> Iterator[tuple[str, nn.Module]]:
    if not below:
        yield path, module
        return
    for node in walk(module):
        if not node.is_shared:
            yield ".".join(filter(None, (path, node.path))), node.module


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for held in ("_parameters", "_buffers"):
        for name, tensor in getattr(module, held, {}).items():
            if tensor is not None:
                yield name, tensor


def _described(tensor: torch.Tensor, names: list[str], is_saved: bool) -> TensorStats:
    values, unknown = _values(tensor)
    return TensorStats(
        path=names[0],
        also=tuple(names[1:]),
        shape=() if is_lazy(tensor) else tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        count=numel(tensor),
        size=size_bytes(tensor),
        is_buffer=not isinstance(tensor, nn.Parameter),
        is_trainable=tensor.requires_grad,
        is_saved=is_saved,
        values=values,
        unknown=unknown,
    )


def _values(tensor: torch.Tensor) -> tuple[Values | None, str]:
    """The statistics, or why there are none."""
    if is_lazy(tensor):
        return None, LAZY
    if tensor.is_meta:
        return None, NO_VALUES
    try:
        with torch.no_grad():
            return statistics(tensor.detach()), ""
    except (RuntimeError, TypeError, NotImplementedError) as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        return None, f"torch can't look at its values: {why}"


def statistics(tensor: torch.Tensor, most: int = MOST_VALUES) -> Values:
    """Extremes, NaN and Inf of all values; the rest of at most so many, drawn at random."""
    flat = _magnitudes(tensor.reshape(-1))
    sample = _sample(flat, most).cpu().double()
    finite = sample[sample.isfinite()]
    pieces = [_look_through(piece) for piece in _pieces(flat)]
    lows, highs, nans, infs = zip(*pieces, strict=True)
    low = min((value for value in lows if value is not None), default=None)
    high = max((value for value in highs if value is not None), default=None)
    return Values(
        looked_at=len(sample),
        low=low,
        high=high,
        mean=float(finite.mean()) if len(finite) else None,
        std=float(finite.std(correction=0)) if len(finite) else None,
        zeros=int((sample == 0).sum()),
        nans=sum(nans),
        infs=sum(infs),
        histogram=_histogram(finite, low, high),
    )


def _magnitudes(flat: torch.Tensor) -> torch.Tensor:
    """Real numbers of a type that every operation below takes."""
    if flat.is_complex():
        return flat.abs()
    if flat.dtype == torch.bool:
        return flat.to(torch.uint8)
    if flat.is_floating_point() and flat.element_size() == 1:
        return flat.to(torch.float32)
    return flat


def _sample(flat: torch.Tensor, most: int) -> torch.Tensor:
    """All of it, or values drawn at random: every n-th would follow the rows of a matrix."""
    if len(flat) <= most:
        return flat
    generator = torch.Generator().manual_seed(SEED)
    places = torch.randint(len(flat), (most,), generator=generator, device="cpu")
    return flat[places.to(flat.device)]


def _pieces(flat: torch.Tensor) -> Iterator[torch.Tensor]:
    """At least one, be it empty."""
    for start in range(0, max(len(flat), 1), PIECE):
        yield flat[start : start + PIECE]


def _look_through(piece: torch.Tensor) -> tuple[float | None, float | None, int, int]:
    """Extremes of the finite values, NaN, Inf."""
    nans, infs = int(piece.isnan().sum()), int(piece.isinf().sum())
    finite = piece[piece.isfinite()] if nans + infs else piece
    if not len(finite):
        return None, None, nans, infs
    low, high = torch.aminmax(finite)
    return float(low), float(high), nans, infs


def _histogram(finite: torch.Tensor, low: float | None, high: float | None) -> tuple[int, ...]:
    if low is None or high is None or not low < high:
        return ()
    counts = torch.histc(finite, bins=BINS, min=low, max=high)
    return tuple(int(count) for count in counts)
