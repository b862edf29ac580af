"""What the commonest ops give on meta, by small rules in place of their kernels.

The kernels of these are written in Python and take 0.03 to 1 ms a call. A rule answers for plain
contiguous tensors that no gradient is asked of, where all that the kernel checks is seen to hold;
else it has no answer, and the kernel is asked, which also raises what is to be raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

Made: TypeAlias = "tuple[Sequence[int], torch.dtype] | None"
"""The shape and the dtype of one new contiguous tensor; None where it is the kernel's to say."""

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


def _is_plain(*tensors: Tensor | None) -> bool:
    """Each is without values, contiguous, of no kind of its own, and none is differentiated."""
    return all(
        tensor is None
        or (
            type(tensor) in _KINDS
            and tensor.is_meta
            and tensor.is_contiguous()
            and tensor.dtype in _DTYPES
            and not (tensor.requires_grad and torch.is_grad_enabled())
        )
        for tensor in tensors
    )


_KINDS = frozenset({Tensor, torch.nn.Parameter})
_DTYPES = frozenset(
    {
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    }
)
"""Those that every kernel takes."""


def _are_alike(input: Tensor, *others: Tensor | None) -> bool:
    """Plain ones of one floating dtype."""
    return (
        _is_plain(input, *others)
        and input.is_floating_point()
        and all(other is None or other.dtype is input.dtype for other in others)
    )


def _of_floats(input: Tensor, *rest: Any, inplace: bool = False, **more: Any) -> Made:
    """One float an element, whatever the numbers say that come after it."""
    numbers = (*rest, *more.values())
    if inplace or not _are_alike(input) or not all(map(_is_option, numbers)):
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
        if type(second) not in _NUMBERS or not _is_plain(first):
            return None
        dtype = first.dtype if first.is_floating_point() else torch.result_type(first, second)
        return first.shape, dtype
    if not _is_plain(first, second):
        return None
    shape = _larger(first.shape, second.shape)
    if shape is None:
        return None
    dtype = first.dtype if first.dtype is second.dtype else torch.result_type(first, second)
    return shape, dtype


def _larger(one: torch.Size, other: torch.Size) -> torch.Size | None:
    """The one that the other is broadcast to; None where both are, or can't be."""
    if one == other:
        return one
    if len(one) < len(other) or (len(one) == len(other) and one.numel() < other.numel()):
        one, other = other, one
    for size, wanted in zip(reversed(other), reversed(one), strict=False):
        if size not in (wanted, 1):
            return None
    return one


def _masked_fill(input: Tensor, mask: Tensor, value: Any) -> Made:
    if type(value) not in _NUMBERS or not _is_plain(input, mask) or mask.dtype is not torch.bool:
        return None
    if not input.is_floating_point() or _larger(input.shape, mask.shape) != input.shape:
        return None
    return input.shape, input.dtype


def _where(condition: Tensor, input: Any, other: Any) -> Made:
    found = _elementwise(input, other)
    if found is None or not _is_plain(condition) or condition.dtype is not torch.bool:
        return None
    shape = _larger(found[0], condition.shape)  # type: ignore[arg-type]
    return None if shape is None else (shape, found[1])


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Made:
    if weight.dim() != 2 or not _are_alike(input, weight, bias):
        return None
    outer, inner = weight.shape
    if input.shape[-1] != inner or (bias is not None and bias.shape != (outer,)):
        return None
    return (*input.shape[:-1], outer), input.dtype


def _normalized(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float | None = None,
) -> Made:
    """Layer norm, and RMS norm but for its bias."""
    shape = tuple(normalized_shape)
    if not shape or not _are_alike(input, weight, bias) or input.shape[-len(shape) :] != shape:
        return None
    if any(each is not None and each.shape != shape for each in (weight, bias)):
        return None
    return input.shape, input.dtype


def _rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Made:
    return _normalized(input, normalized_shape, weight)


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Made:
    """With the statistics that it has; the kernel has to write others."""
    given = (running_mean, running_var, weight, bias)
    if training or running_mean is None or running_var is None or input.dim() < 2:
        return None
    return (input.shape, input.dtype) if _are_channels(input, *given) else None


def _group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Made:
    if input.dim() < 3 or num_groups < 1 or input.shape[1] % num_groups:
        return None
    return (input.shape, input.dtype) if _are_channels(input, weight, bias) else None


def _are_channels(input: Tensor, *given: Tensor | None) -> bool:
    """Each has a number a channel."""
    channels = input.shape[1:2]
    return _are_alike(input, *given) and all(
        each is None or each.shape == channels for each in given
    )


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Made:
    """(B, H, L, E), (B, H, S, E) and (B, H, S, V) to (B, H, L, V)."""
    if enable_gqa or dropout_p or query.dim() != 4 or not _are_alike(query, key, value):
        return None
    batch, length, keys = query.shape[:2], query.shape[2], key.shape[2]
    if key.shape != (*batch, keys, query.shape[3]) or value.shape[:3] != (*batch, keys):
        return None
    if attn_mask is not None and (
        is_causal or not _masks(attn_mask, query, (*batch, length, keys))
    ):
        return None
    return (*batch, length, value.shape[3]), query.dtype


def _masks(mask: Tensor, query: Tensor, shape: tuple[int, ...]) -> bool:
    fits = mask.dim() <= 4 and _larger(torch.Size(shape), mask.shape) == shape
    return fits and _is_plain(mask) and mask.dtype in (torch.bool, query.dtype)


def _mean(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Made:
    """Over some dimensions."""
    dims = (dim,) if type(dim) is int else tuple(dim)  # type: ignore[arg-type]
    rank = input.dim()
    if not dims or not _are_alike(input) or not all(-rank <= each < rank for each in dims):
        return None
    gone = {each % rank for each in dims}
    if len(gone) < len(dims):
        return None
    kept = (1 if place in gone else size for place, size in enumerate(input.shape))
    left = (size for place, size in enumerate(input.shape) if place not in gone)
    return tuple(kept if keepdim else left), input.dtype


def _adaptive_pool(input: Tensor, output_size: int | Sequence[int]) -> Made:
    """(B, C, H, W) to the size asked for."""
    size = (output_size,) * 2 if type(output_size) is int else tuple(output_size)  # type: ignore[arg-type]
    if input.dim() != 4 or not _are_alike(input) or not input.numel():
        return None
    if len(size) != 2 or not all(type(each) is int and each > 0 for each in size):
        return None
    return (*input.shape[:2], *size), input.dtype


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
    "mean": _mean,
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
    F.linear: _linear,
    F.adaptive_avg_pool2d: _adaptive_pool,
    F.layer_norm: _normalized,
    torch.layer_norm: _normalized,
    F.rms_norm: _rms_norm,
    F.batch_norm: _batch_norm,
    F.group_norm: _group_norm,
    F.scaled_dot_product_attention: _attention,
}
