"""What kind of step something is, by torch's own names of layers and functions."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any

from torch import nn


class Role(enum.Enum):
    """What a step does to what it gets."""

    AFFINE = "affine"
    """A linear layer or a convolution: weights times what it gets, plus a bias."""
    ACTIVATION = "activation"
    SOFTMAX = "softmax"
    NORM = "norm"
    DROPOUT = "dropout"
    POOL = "pool"
    MOVE = "move"
    """The same numbers in another shape, order or dtype, or some of them; one tensor in."""
    JOIN = "join"
    """Several tensors side by side: cat, stack."""
    SUM = "sum"
    """Added or subtracted: a skip, a bias, a position."""
    PRODUCT = "product"
    """Multiplied or divided: a gate, a mask, a scale."""
    EMBEDDING = "embedding"
    RECURRENT = "recurrent"
    ATTENTION = "attention"
    LOSS = "loss"
    OTHER = "other"


_NAMES: dict[Role, str] = {
    Role.AFFINE: "linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d "
    "conv_transpose3d addmm baddbmm",
    Role.ACTIVATION: "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish sigmoid "
    "expit tanh hardtanh hardsigmoid hardswish softplus softsign tanhshrink hardshrink softshrink "
    "logsigmoid log_sigmoid threshold glu",
    Role.SOFTMAX: "softmax log_softmax softmin softmax2d gumbel_softmax",
    Role.NORM: "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm "
    "normalize weight_norm",
    Role.DROPOUT: "dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout "
    "feature_alpha_dropout",
    Role.POOL: "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d lp_pool1d "
    "lp_pool2d lp_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
    "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d "
    "fractional_max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
    "max_pool3d_with_indices",
    Role.MOVE: "view reshape flatten unflatten transpose permute movedim moveaxis swapaxes "
    "swapdims contiguous clone squeeze unsqueeze expand expand_as broadcast_to view_as "
    "reshape_as getitem select narrow index_select chunk split tensor_split unbind hsplit vsplit "
    "dsplit split_with_sizes to type type_as float half double bfloat16 cpu cuda detach alias t "
    "adjoint mt mh roll flip pixel_shuffle pixel_unshuffle channel_shuffle identity pad "
    "zero_pad1d zero_pad2d zero_pad3d upsample upsampling_nearest2d "
    "upsampling_bilinear2d interpolate reflection_pad1d reflection_pad2d reflection_pad3d "
    "replication_pad1d replication_pad2d replication_pad3d constant_pad1d constant_pad2d "
    "constant_pad3d circular_pad1d circular_pad2d circular_pad3d unfold fold tile repeat "
    "repeat_interleave gather take_along_dim requires_grad",
    Role.JOIN: "cat concat concatenate stack hstack vstack dstack column_stack row_stack "
    "pad_sequence",
    Role.SUM: "add iadd radd sub isub rsub subtract",
    Role.PRODUCT: "mul imul rmul multiply div idiv truediv rtruediv rdiv itruediv true_divide "
    "divide where masked_fill mm bmm matmul rmatmul einsum outer lerp addcmul masked_scatter",
    Role.EMBEDDING: "embedding embedding_bag one_hot",
    Role.RECURRENT: "rnn lstm gru rnn_tanh rnn_relu rnn_cell rnn_tanh_cell rnn_relu_cell "
    "lstm_cell gru_cell",
    Role.ATTENTION: "scaled_dot_product_attention multihead_attention multi_head_attention_forward",
    Role.LOSS: "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss "
    "binary_cross_entropy binary_cross_entropy_with_logits kl_div ctc_loss cosine_embedding_loss "
    "margin_ranking_loss triplet_margin_loss gaussian_nll_loss poisson_nll_loss",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}

_MODULE_NAMES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.LeakyReLU: "leaky_relu", nn.PReLU: "prelu",
    nn.RReLU: "rrelu", nn.ELU: "elu", nn.SELU: "selu", nn.CELU: "celu", nn.GELU: "gelu",
    nn.SiLU: "silu", nn.GLU: "glu", nn.LSTM: "lstm", nn.GRU: "gru", nn.RNN: "rnn",
    nn.LSTMCell: "lstm_cell", nn.GRUCell: "gru_cell", nn.RNNCell: "rnn_cell",
    nn.RMSNorm: "rms_norm", nn.MultiheadAttention: "multihead_attention",
    nn.LogSigmoid: "logsigmoid", nn.LPPool1d: "lp_pool1d", nn.LPPool2d: "lp_pool2d",
    nn.CrossEntropyLoss: "cross_entropy", nn.NLLLoss: "nll_loss", nn.MSELoss: "mse_loss",
    nn.L1Loss: "l1_loss", nn.BCELoss: "binary_cross_entropy", nn.KLDivLoss: "kl_div",
    nn.BCEWithLogitsLoss: "binary_cross_entropy_with_logits",
}  # fmt: skip
_BASES: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str], ...] = (
    (nn.modules.batchnorm._BatchNorm, "batch_norm"),
    (nn.modules.instancenorm._InstanceNorm, "instance_norm"),
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def name_of(module: nn.Module) -> str:
    """A layer by the name of its function: "conv2d" for nn.Conv2d, "batch_norm" for BatchNorm2d."""
    for kinds, name in _BASES:
        if isinstance(module, kinds):
            return name
    for kind in type(module).__mro__:
        if kind in _MODULE_NAMES:
            return _MODULE_NAMES[kind]
        if kind.__module__.startswith("torch.nn."):
            return _HUMP.sub("_", kind.__name__).lower().removeprefix("lazy_")
    return type(module).__name__.lower()


def function_of(name: str, options: Mapping[str, Any]) -> str:
    """An op by the function that it is: `x.clamp(min=0)` is a relu."""
    if name.rstrip("_") not in ("clamp", "clip", "clamp_min"):
        return name
    low, high = options.get("min", options.get("1")), options.get("max", options.get("2"))
    return "relu" if low == 0 and high is None else name


def role_of(name: str) -> Role:
    """The role of a function, or of a layer by its function's name; in-place ones as the others."""
    return _ROLES.get(name) or _ROLES.get(name.rstrip("_"), Role.OTHER)
