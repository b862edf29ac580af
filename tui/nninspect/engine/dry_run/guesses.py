"""What is assumed where a shape or a branch hangs on values that a dry run does not have.

One small rule an operator: it answers with a tensor or a number, and says what it assumed. Counts
are the most that there can be, so that no figure comes out too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from nninspect.engine.dry_run.known_values import KnownValues
from nninspect.engine.dry_run.operands import MOST

aten: Any = torch.ops.aten


@dataclass(frozen=True)
class Assumed:
    """Told what was assumed, as "all 12 elements"; and knows what `all` gave, and what values are
    known."""

    tell: Callable[[str], None]
    alls: WeakIdKeyDictionary
    values: KnownValues

    def __call__(self, assumed: str) -> None:
        self.tell(assumed)


Rule: TypeAlias = Callable[..., Any]
"""Called with an `Assumed` and then the op's arguments; NotImplemented where it has no guess."""


class Guessing(TorchDispatchMode):
    """A context in which ops that need values get an answer, and what it rests on is told."""

    def __init__(self, assume: Assumed) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._assume = assume

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, values = kwargs or {}, self._assume.values
        rule = _RULES.get(func)
        if rule is not None and any(map(has_no_values, _flat(args))):
            operands = values.operands(func, args, kwargs)
            if operands is not None:
                return values.answer(func, operands)
            found = rule(self._assume, *args, **kwargs)
            if found is not NotImplemented:
                return found
        operands = values.operands(func, args, kwargs)
        result = func(*args, **kwargs)
        if operands is not None:
            values.follow(func, operands, result)
        return result


def has_no_values(value: object) -> bool:
    """A tensor of which only the shape is known."""
    return isinstance(value, Tensor) and (value.is_meta or isinstance(value, FakeTensor))


def _flat(args: Any) -> list[object]:
    found: list[object] = []
    for arg in args:
        if isinstance(arg, (tuple, list)):
            found.extend(arg)
        else:
            found.append(arg)
    return found


def _number(assume: Assumed, tensor: Tensor) -> bool | int | float:
    """What is asked of all elements holds, as of a mask that hides nothing; else no bool does."""
    value = tensor in assume.alls if tensor.dtype == torch.bool else 1 if _is_whole(tensor) else 1.0
    assume(f"the value {value}")
    return value


def _is_whole(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex())


def _values(assume: Assumed, tensor: Tensor, *rest: Any, **more: Any) -> Any:
    """A copy that leaves meta, where the values are read."""
    device = more.get("device")
    if device is None or torch.device(device).type == "meta" or not tensor.is_meta:
        return NotImplemented
    assume("the value 1 for each")
    dtype = more.get("dtype") or tensor.dtype
    return torch.ones((), dtype=dtype, device=device).expand(tensor.shape)


def _equal(assume: Assumed, one: Tensor, other: Tensor) -> bool:
    same = one.shape == other.shape
    if same:
        assume("equal values")
    return same


def _nonzero(assume: Assumed, tensor: Tensor) -> Tensor:
    if (known := assume.values.of(tensor)) is not None:
        return known.nonzero().to("meta")
    assume(_all(tensor.numel()))
    if tensor.numel() <= MOST:
        found: Tensor = assume.values.onto_meta(torch.ones(tensor.shape, device="cpu").nonzero())
        return found
    return tensor.new_empty((tensor.numel(), tensor.dim()), dtype=torch.int64)


def _all(elements: int) -> str:
    return f"all {elements} elements" if elements != 1 else "the one element"


def _masked_select(assume: Assumed, tensor: Tensor, mask: Tensor) -> Tensor:
    shape = torch.broadcast_shapes(tensor.shape, mask.shape)
    if (known := assume.values.of(mask)) is not None:
        chosen = int(known.expand(shape).sum())
    else:
        chosen = prod(shape)
        assume(_all(chosen))
    return tensor.new_empty((chosen,))


def _index(assume: Assumed, tensor: Tensor, indices: Any) -> Any:
    """A mask stands for the places where it is true: one index for each of its dimensions."""
    if not any(isinstance(i, Tensor) and i.dtype in _MASKS for i in indices):
        return NotImplemented
    whole: list[Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype in _MASKS:
            whole.extend(_nonzero(assume, index).unbind(1))
        else:
            whole.append(index)
    return aten.index.Tensor(tensor, whole)


_MASKS = (torch.bool, torch.uint8)


def _unique(
    assume: Assumed,
    tensor: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    count = tensor.numel()
    assume(f"{count} different values" if count != 1 else "one value")
    values = tensor.new_empty((count,))
    inverse = tensor.new_empty(tensor.shape if return_inverse else (0,), dtype=torch.int64)
    counts = tensor.new_empty((count if return_counts else 0,), dtype=torch.int64)
    return values, inverse, counts


def _unique_in_turn(
    assume: Assumed,
    tensor: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    if dim is not None:
        return NotImplemented
    return _unique(assume, tensor, True, return_inverse, return_counts)


def _bincount(
    assume: Assumed, tensor: Tensor, weights: Tensor | None = None, minlength: int = 0
) -> Tensor:
    length = max(minlength, 1)
    assume(f"no value above {length - 1}")
    dtype = torch.int64 if weights is None else weights.dtype
    return tensor.new_empty((length,), dtype=dtype)


def _repeated(assume: Assumed, repeats: Tensor, *, output_size: int | None = None) -> Tensor:
    if output_size is None:
        assume("one repetition of each")
    length = repeats.numel() if output_size is None else output_size
    return repeats.new_empty((length,), dtype=torch.int64)


def _grouped(
    assume: Assumed,
    a: Tensor,
    b: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> Any:
    """Only bfloat16 on meta, unlike elsewhere. Nothing is assumed: offsets decide no shape."""
    if a.shape[-1] != b.shape[-2]:
        return NotImplemented
    rows, columns = a.shape[-2], b.shape[-1]
    groups: tuple[int, ...] = ()
    if a.dim() == b.dim():
        groups = (b.shape[0],) if b.dim() == 3 else () if offs is None else (offs.numel(),)
    return a.new_empty((*groups, rows, columns), dtype=out_dtype or a.dtype)


_RULES: dict[Any, Rule] = {
    aten._local_scalar_dense.default: _number,
    aten._to_copy.default: _values,
    aten.equal.default: _equal,
    aten.nonzero.default: _nonzero,
    aten.masked_select.default: _masked_select,
    aten.index.Tensor: _index,
    aten._unique2.default: _unique,
    aten.unique_consecutive.default: _unique_in_turn,
    aten.bincount.default: _bincount,
    aten._grouped_mm.default: _grouped,
    aten.repeat_interleave.Tensor: _repeated,
}
