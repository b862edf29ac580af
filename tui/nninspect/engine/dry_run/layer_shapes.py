"""Shape rules of layers: products, norms, attention, pooling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nninspect.engine.dry_run.plain_tensors import Made, are_alike, is_plain, larger


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Made:
    """(…, in) to (…, out)."""
    if weight.dim() != 2 or not are_alike(input, weight, bias):
        return None
    outer, inner = weight.shape
    if input.shape[-1] != inner or (bias is not None and bias.shape != (outer,)):
        return None
    return (*input.shape[:-1], outer), input.dtype


def normalized(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float | None = None,
) -> Made:
    """Layer norm, and RMS norm but for its bias."""
    shape = tuple(normalized_shape)
    if not shape or not are_alike(input, weight, bias) or input.shape[-len(shape) :] != shape:
        return None
    if any(each is not None and each.shape != shape for each in (weight, bias)):
        return None
    return input.shape, input.dtype


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Made:
    """As it came."""
    return normalized(input, normalized_shape, weight)


def batch_norm(
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


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Made:
    """(B, C, …) as it came, where its channels make whole groups."""
    if input.dim() < 3 or num_groups < 1 or input.shape[1] % num_groups:
        return None
    return (input.shape, input.dtype) if _are_channels(input, weight, bias) else None


def _are_channels(input: Tensor, *given: Tensor | None) -> bool:
    """Each has a number a channel."""
    channels = input.shape[1:2]
    return are_alike(input, *given) and all(
        each is None or each.shape == channels for each in given
    )


def attention(
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
    if enable_gqa or dropout_p or query.dim() != 4 or not are_alike(query, key, value):
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
    fits = mask.dim() <= 4 and larger(torch.Size(shape), mask.shape) == shape
    return fits and is_plain(mask) and mask.dtype in (torch.bool, query.dtype)


def mean(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Made:
    """Over some dimensions."""
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    rank = input.dim()
    if not dims or not are_alike(input) or not all(-rank <= each < rank for each in dims):
        return None
    gone = {each % rank for each in dims}
    if len(gone) < len(dims):
        return None
    kept = (1 if place in gone else size for place, size in enumerate(input.shape))
    left = (size for place, size in enumerate(input.shape) if place not in gone)
    return tuple(kept if keepdim else left), input.dtype


def adaptive_pool(input: Tensor, output_size: int | Sequence[int]) -> Made:
    """(B, C, H, W) to the size asked for."""
    size = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if input.dim() != 4 or not are_alike(input) or not input.numel():
        return None
    if len(size) != 2 or not all(type(each) is int and each > 0 for each in size):
        return None
    return (*input.shape[:2], *size), input.dtype
