"""Calls that multiply no matrices: views, elementwise, norms, pooling, lookups, and the like."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import torch

_MADE = """
    arange empty empty_like eye full full_like linspace logspace new_empty new_full new_ones
    new_tensor new_zeros ones ones_like rand rand_like randint randint_like randn randn_like
    randperm scalar_tensor tensor as_tensor zeros zeros_like complex polar
    bernoulli multinomial normal uniform random exponential cauchy constant trunc_normal
    binomial geometric log_normal poisson empty_permuted empty_strided new new_empty_strided range
    fill zero kaiming_normal kaiming_uniform xavier_normal xavier_uniform
    hann_window hamming_window blackman_window kaiser_window bartlett_window
"""
_MOVED = """
    atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to byte cat
    channel_shuffle clone column_stack combinations concat concatenate contiguous copy cpu cuda
    deepcopy detach diag diag_embed double dsplit dstack expand_as flip fliplr flipud float fold
    from_numpy gather
    getitem half bfloat16 hsplit hstack index_add index_copy index_fill index_put index_reduce
    index_select int long masked_scatter masked_select meshgrid narrow_copy native_channel_shuffle
    pad pixel_shuffle pixel_unshuffle pin_memory put repeat repeat_interleave requires_grad reshape
    reshape_as resize roll rot90 row_stack scatter scatter_add scatter_reduce select_scatter set
    setitem short slice_scatter stack take take_along_dim tensor_split tile to to_dense tolist
    tril triu tril_indices triu_indices type type_as unfold unflatten unique unique_consecutive
    view_as vsplit vstack alias_copy as_strided_scatter char constant_pad_nd diagflat
    diagonal_scatter resize_as unsafe_chunk unsafe_split unsafe_split_with_sizes
    one_hot embedding embedding_bag pack_padded_sequence pad_packed_sequence pad_sequence nonzero
    argwhere bucketize searchsorted
"""
_REDUCED = """
    all allclose amax amin aminmax any argmax argmin argsort bincount count_nonzero cummax cummin
    cumprod cumsum diff equal histc kthvalue logcumsumexp logsumexp max mean median min mode msort
    nanmean nanmedian nanquantile nansum norm prod quantile sort std std_mean sum sum_to_size topk
    trace var var_mean vector_norm linalg_norm linalg_vector_norm frobenius_norm cosine_similarity
    pairwise_distance trapezoid trapz
"""
_LAYERS = """
    alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout feature_dropout
    celu elu gelu glu gumbel_softmax hardshrink hardsigmoid hardswish hardtanh leaky_relu
    log_softmax logsigmoid mish normalize prelu relu relu6 rrelu selu sigmoid silu softmax
    softmin softplus softshrink softsign tanh tanhshrink threshold
    batch_norm group_norm instance_norm layer_norm local_response_norm rms_norm renorm
    native_batch_norm native_group_norm native_layer_norm
    native_batch_norm_legit native_batch_norm_legit_no_training
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d
    fractional_max_pool2d fractional_max_pool3d lp_pool1d lp_pool2d lp_pool3d max_pool1d
    max_pool2d max_pool3d max_unpool1d max_unpool2d max_unpool3d
    max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
    adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices
    adaptive_max_pool3d_with_indices fractional_max_pool2d_with_indices
    fractional_max_pool3d_with_indices native_dropout log_sigmoid
    fake_quantize_per_channel_affine fake_quantize_per_tensor_affine dequantize
    quantize_per_channel quantize_per_tensor
    interpolate upsample upsample_nearest upsample_bilinear grid_sample grid_sampler
    binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy
    ctc_loss gaussian_nll_loss hinge_embedding_loss huber_loss kl_div l1_loss
    margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss
    multilabel_soft_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss
    triplet_margin_loss triplet_margin_with_distance_loss
"""
_ELEMENTWISE = """
    add radd iadd sub rsub isub mul rmul imul div rdiv idiv truediv rtruediv itruediv floordiv
    rfloordiv ifloordiv mod rmod imod pow rpow ipow neg pos abs invert and rand iand or ror ior
    xor rxor ixor lshift rlshift ilshift rshift rrshift irshift eq ne lt le gt ge
    absolute addcdiv addcmul arccos arcsin arctan bitwise_not clip divide fix floor_divide
    fmod greater greater_equal isclose isfinite isinf isnan isreal less less_equal lerp masked_fill
    multiply nan_to_num negative not_equal outer ger kron cross dist round square subtract
    arccosh arcsinh arctan2 arctanh chalf cfloat cdouble isin
    expit gammainc gammaincc gammaln multigammaln ndtr psi
    true_divide cartesian_prod heaviside clamp clamp_min clamp_max sinc softcap
"""
_ASKED = """
    apply as_subclass backward dim data_ptr element_size format get_device has_names
    hash item is_complex is_contiguous is_floating_point is_nonzero is_same_size is_shared
    is_signed is_sparse is_tensor len ndimension nelement numel register_hook repr retain_grad
    contains iter reversed result_type reduce_ex size storage storage_offset stride str
    untyped_storage numpy array index bool float int complex is_grad_enabled set_grad_enabled
    dim_order is_coalesced is_conj is_neg is_set_to record_stream
    promote_types can_cast dlpack dlpack_device is_inference is_leaf is_pinned
"""
_FREE = frozenset(f"{_MADE}{_MOVED}{_REDUCED}{_LAYERS}{_ELEMENTWISE}{_ASKED}".split())


@lru_cache(maxsize=4_096)
def is_free(func: Callable[..., Any]) -> bool:
    """It is a view, elementwise, a reduction or a layer without a product, so it counts as 0."""
    name = str(getattr(func, "__name__", ""))
    return _is_free((name.strip("_") or name).removeprefix("special_"))


@cache
def _is_free(name: str) -> bool:
    """By the lists above; else as torch itself describes the operator of that name."""
    if name in _FREE or name in ("get", "delete"):
        return True
    packet = getattr(torch.ops.aten, name, None)
    if packet is None:
        return False
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return any(torch.Tag.pointwise in each.tags or _is_view(each._schema) for each in overloads)


def _is_view(schema: Any) -> bool:
    infos = [returned.alias_info for returned in schema.returns]
    return any(info is not None and not info.is_write for info in infos)
