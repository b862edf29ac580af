"""Mult-adds of one functional call, from shapes alone: one small pure rule an operator.

One for each product of a matrix product or convolution, and one for each bias element, once for
every output place it is added at: torchinfo's convention, as in `mult_adds`. A call that has no
rule and is not known to be free of products is uncounted, which is part of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nninspect.engine.einsum import einsum_products
from nninspect.engine.free_ops import is_free

__all__ = ["count", "is_free"]

Rule = Callable[..., int | None]
"""Called with the result and then the arguments of the call, so that Python does the binding; the
result by position only, as a call may have an `out` of its own."""

_NOT_AS_EXPECTED = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What a rule raises on arguments or tensors of a kind it was not written for."""


def count(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
) -> int | None:
    """Mult-adds of a call as a TorchFunctionMode sees it; 0 where it multiplies no matrices,
    None where that is not known."""
    rule = _RULES.get(func)
    if rule is None:
        return 0 if is_free(func) else None
    try:
        return rule(result, *args, **kwargs)
    except _NOT_AS_EXPECTED:
        return None


def _linear(out: Tensor, /, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> int:
    return out.numel() * weight.shape[-1] + _bias(out, bias)


def _bias(out: Tensor, bias: Tensor | None) -> int:
    return 0 if bias is None else out.numel()


def _conv(
    out: Tensor,
    /,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *rest: Any,
    **more: Any,
) -> int:
    return out.numel() * prod(weight.shape[1:]) + _bias(out, bias)


def _conv_transpose(
    out: Tensor,
    /,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *rest: Any,
    **more: Any,
) -> int:
    """Every input element meets the whole kernel; the bias is added once an output element."""
    return input.numel() * prod(weight.shape[1:]) + _bias(out, bias)


def _convolution(
    out: Tensor,
    /,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    *rest: Any,
) -> int:
    """All of them, as core ATen has it."""
    rule = _conv_transpose if transposed else _conv
    return rule(out, input, weight, bias)


def _matmul(out: Tensor, /, input: Tensor, *others: Any, **more: Any) -> int:
    """Also of `mv`, `dot`, `inner` and `bmm`: what is summed over is the first one's last."""
    return out.numel() * input.shape[-1]


def _reflected_matmul(out: Tensor, /, self: Tensor, other: Tensor) -> int:
    return _matmul(out, other)


def _addmm(
    out: Tensor, /, input: Tensor, first: Tensor, *others: Any, beta: float = 1, **more: Any
) -> int:
    return _matmul(out, first) + (out.numel() if beta else 0)


def _named_addmm(factor: str) -> Rule:
    """The rule for a call whose first factor may be passed by this name."""

    def rule(out: Tensor, /, input: Tensor, *args: Any, **kwargs: Any) -> int:
        first = kwargs.pop(factor) if factor in kwargs else args[0]
        return _addmm(out, input, first, beta=kwargs.get("beta", 1))

    return rule


def _addbmm(
    out: Tensor, /, input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, **more: Any
) -> int:
    """The products of the whole batch are summed into one matrix."""
    batch, rows, inner = batch1.shape
    return batch * rows * inner * batch2.shape[-1] + (out.numel() if beta else 0)


def _tensordot(out: Tensor, /, a: Tensor, b: Tensor, *rest: Any, **more: Any) -> int:
    """What is summed over stands in both operands: a·b = out·summed²."""
    if not out.numel():
        return 0
    return out.numel() * isqrt(a.numel() * b.numel() // out.numel())


def _vecdot(out: Tensor, /, x: Tensor, y: Tensor, *, dim: int = -1, **more: Any) -> int:
    return out.numel() * x.shape[dim]


def _einsum(out: Tensor, /, equation: str, *operands: Any) -> int | None:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    return einsum_products(equation, [tuple(operand.shape) for operand in operands])


def _attention(
    out: Tensor, /, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **more: Any
) -> int:
    """query x key and attention x value, in full also where a mask leaves some of it out."""
    return prod(out.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _multi_head_attention(
    out: tuple[Tensor, Tensor | None],
    /,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    width: int,
    heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    *rest: Any,
    **more: Any,
) -> int:
    """The projections of query, key and value and of the output, and the products between.

    Tensors are (L, N, E), or (L, E) without a batch.
    """
    places = [prod(tensor.shape[:-1]) for tensor in (query, key, value)]
    into = sum(n * t.shape[-1] * width for n, t in zip(places, (query, key, value), strict=True))
    biases = 0 if in_proj_bias is None else sum(places) * width
    attended = key.shape[0] + (bias_k is not None) + add_zero_attn
    between = 2 * places[0] * attended * width
    onward = places[0] * out_proj_weight.numel() + _bias(out[0], out_proj_bias)
    return into + biases + between + onward


def _bilinear(
    out: Tensor, /, input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> int:
    return out.numel() * prod(weight.shape[1:]) + _bias(out, bias)


def _recurrent(out: Any, /, input: Tensor, second: Any, third: Any, fourth: Any, *rest: Any) -> int:
    """Every weight and bias once a time step and sample: (input, state, weights, …), or packed
    as (data, batch sizes, state, weights, …)."""
    is_packed = not isinstance(third, (list, tuple)) or third[0].dim() != 2
    used = sum(int(weight.numel()) for weight in (fourth if is_packed else third))
    return prod(input.shape[:-1]) * used


def _cell(out: Any, /, input: Tensor, state: Any, *weights: Tensor | None) -> int:
    used = sum(weight.numel() for weight in weights if weight is not None)
    return prod(input.shape[:-1]) * used


def _grouped(out: Tensor, /, input: Tensor, other: Tensor, *rest: Any, **more: Any) -> int:
    """Each row, or each column, belongs to one group; with two matrices each summand does."""
    if input.dim() == 2 and other.dim() == 2:
        return input.numel() * other.shape[-1]
    return out.numel() * input.shape[-1]


def _packed_linear(out: Tensor, /, input: Tensor, packed: Any, *rest: Any, **more: Any) -> int:
    """A quantized one, its weight and its bias in an object of torch's own."""
    return out.numel() * input.shape[-1] + _bias(out, packed.bias())


_RULES: dict[Callable[..., Any], Rule] = {
    F.linear: _linear,
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _conv),
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), _conv),
    torch.convolution: _convolution,
    **dict.fromkeys(
        (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _conv_transpose
    ),
    **dict.fromkeys(
        (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _conv_transpose
    ),
    **dict.fromkeys(
        (
            *(torch.matmul, torch.mm, torch.bmm, torch.mv, torch.dot, torch.vdot, torch.inner),
            *(Tensor.matmul, Tensor.mm, Tensor.bmm, Tensor.mv, Tensor.dot, Tensor.vdot),
            *(Tensor.inner, Tensor.__matmul__, torch.linalg.matmul),
        ),
        _matmul,
    ),
    Tensor.__rmatmul__: _reflected_matmul,
    **dict.fromkeys((torch.addmm, Tensor.addmm, Tensor.addmm_), _named_addmm("mat1")),
    **dict.fromkeys((torch.addmv, Tensor.addmv, Tensor.addmv_), _named_addmm("mat")),
    **dict.fromkeys((torch.baddbmm, Tensor.baddbmm, Tensor.baddbmm_), _named_addmm("batch1")),
    **dict.fromkeys((torch.addbmm, Tensor.addbmm, Tensor.addbmm_), _addbmm),
    torch.tensordot: _tensordot,
    torch.linalg.vecdot: _vecdot,
    torch.einsum: _einsum,
    F.scaled_dot_product_attention: _attention,
    F.multi_head_attention_forward: _multi_head_attention,
    **dict.fromkeys((torch.bilinear, F.bilinear), _bilinear),
    **dict.fromkeys((torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu), _recurrent),
    **dict.fromkeys(
        (torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell, torch.rnn_relu_cell), _cell
    ),
    **{
        getattr(torch.ops.quantized, name): _packed_linear
        for name in (
            *("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic"),
            *("linear_dynamic_fp16", "linear_relu_dynamic_fp16"),
        )
        if hasattr(torch.ops.quantized, name)
    },
    **{
        getattr(home, name): rule
        for home, name, rule in (
            (torch, "_grouped_mm", _grouped),
            (F, "grouped_mm", _grouped),
            (torch, "_scaled_mm", _matmul),
            (F, "scaled_mm", _matmul),
        )
        if hasattr(home, name)  # not in every torch that is supported
    },
}  # fmt: skip
