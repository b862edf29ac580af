"""What the commonest ops give on meta, by small rules in place of their kernels.

The kernels of these are written in Python and take 0.03 to 1 ms a call. A rule answers for plain
contiguous tensors that no gradient is asked of, where all that the kernel checks is seen to hold;
else it has no answer, and the kernel is asked, which also raises what is to be raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nninspect.engine.dry_run import layer_shapes as layers
from nninspect.engine.dry_run.plain_tensors import Made, are_alike, is_plain, larger

_META = torch.device("meta")
_NOT_AS_EXPECTED = (AttributeError, IndexError, TypeError, ValueError)
_NUMBERS = (bool, int, float)


def by_rule(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Tensor | None:
    """The result of a call; None where there is no rule for it. Call it where torch functions are
    not overridden."""
    rule = _RULES.get(func)
    if rule is None or torch._C._functorch.peek_interpreter_stack() is not None:
        return None
    try:
        made = rule(*args, **kwargs)
    except _NOT_AS_EXPECTED:
        return None
    return None if made is None else torch.empty(made[0], dtype=made[1], device=_META)


def _of_floats(input: Tensor, *rest: Any, inplace: bool = False, **more: Any) -> Made:
    """One float an element, whatever the numbers say that come after it."""
    numbers = (*rest, *more.values())
    if inplace or not are_alike(input) or not all(map(_is_option, numbers)):
        return None
    return input.shape, input.dtype


def _is_option(value: object) -> bool:
    """`True` may be an `inplace` by position, and other words are none that gelu knows."""
    return value in ("none", "tanh") if isinstance(value, str) else type(value) in (int, float)


def _activation(input: Tensor, *rest: Any, inplace: bool = False) -> Made:
    """As `F.relu(x, True)` has it: what comes second may say that it is in place."""
    return None if rest or inplace else _of_floats(input)


def _arithmetic(first: Any, second: Any) -> Made:
    """Numbers of one kind, floating ones in any case where one is."""
    found = _elementwise(first, second)
    if found is None or found[1] is torch.bool:
        return None
    return found


def _division(first: Any, second: Any) -> Made:
    found = _elementwise(first, second)
    return found if found is not None and found[1].is_floating_point else None


def _comparison(first: Any, second: Any) -> Made:
    found = _elementwise(first, second)
    return None if found is None else (found[0], torch.bool)


def _elementwise(first: Any, second: Any) -> Made:
    """One of the two is as large as the result, which is why that is contiguous as they are."""
    if not isinstance(first, Tensor):
        first, second = second, first
    if not isinstance(second, Tensor):
        if type(second) not in _NUMBERS or not is_plain(first):
            return None
        dtype = first.dtype if first.is_floating_point() else torch.result_type(first, second)
        return first.shape, dtype
    if not is_plain(first, second):
        return None
    shape = larger(first.shape, second.shape)
    if shape is None:
        return None
    dtype = first.dtype if first.dtype is second.dtype else torch.result_type(first, second)
    return shape, dtype


def _masked_fill(input: Tensor, mask: Tensor, value: Any) -> Made:
    if type(value) not in _NUMBERS or not is_plain(input, mask) or mask.dtype is not torch.bool:
        return None
    if not input.is_floating_point() or larger(input.shape, mask.shape) != input.shape:
        return None
    return input.shape, input.dtype


def _where(condition: Tensor, input: Any, other: Any) -> Made:
    found = _elementwise(input, other)
    if found is None or not is_plain(condition) or condition.dtype is not torch.bool:
        return None
    shape = larger(found[0], condition.shape)  # type: ignore[arg-type]
    return None if shape is None else (shape, found[1])


_ACTIVATIONS = "relu relu6 silu mish hardswish hardsigmoid"
_FLOATS = """
    gelu sigmoid logsigmoid softplus tanh elu celu selu leaky_relu hardtanh softsign tanhshrink
    sin cos exp log log1p expm1 erf sqrt rsqrt neg abs floor ceil square sinh cosh
"""
_FAMILIES: dict[str, Callable[..., Made]] = {
    **dict.fromkeys(_FLOATS.split(), _of_floats),
    **dict.fromkeys(_ACTIVATIONS.split(), _activation),
    **dict.fromkeys(("add", "sub", "mul", "__rsub__"), _arithmetic),
    **dict.fromkeys(("div", "true_divide", "__rdiv__"), _division),
    **dict.fromkeys(("gt", "lt", "ge", "le", "eq", "ne", "__eq__", "__ne__"), _comparison),
    **dict.fromkeys(("pow", "__pow__", "__rpow__"), _division),
    "masked_fill": _masked_fill,
    "mean": layers.mean,
}
"""Rules by the names that the ops have in `torch`, in `Tensor`, and in `F`."""

_RULES: dict[Callable[..., Any], Callable[..., Made]] = {
    **{
        getattr(home, name): rule
        for name, rule in _FAMILIES.items()
        for home in (torch, Tensor, F)
        if hasattr(home, name)
    },
    torch.where: _where,
    F.linear: layers.linear,
    F.adaptive_avg_pool2d: layers.adaptive_pool,
    F.layer_norm: layers.normalized,
    torch.layer_norm: layers.normalized,
    F.rms_norm: layers.rms_norm,
    F.batch_norm: layers.batch_norm,
    F.group_norm: layers.group_norm,
    F.scaled_dot_product_attention: layers.attention,
}
