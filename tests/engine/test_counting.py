"""Mult-adds of functional calls, against torch's own FLOP counter and against hand-made figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from nninspect.engine.counting import count, is_free
from nninspect.engine.mult_adds import mult_adds
from nninspect.engine.tensors import described, tensors_in

SIZES = st.integers(2, 5)


class Counting(TorchFunctionMode):
    """Sums what is counted of every outermost call, and names what is not."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.uncounted: list[str] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        found = count(func, args, kwargs or {}, result)
        if found is None:
            self.uncounted.append(func.__name__)
        self.total += found or 0
        return result


def counted(run: Callable[[], Any]) -> int:
    with Counting() as counting:
        run()
    assert counting.uncounted == []
    return counting.total


def oracle(run: Callable[[], Any]) -> int:
    """torch's FLOPs are two a mult-add, without biases."""
    with FlopCounterMode(display=False) as flops:
        run()
    return flops.get_total_flops() // 2


def new(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def zeros(*shape: int) -> Tensor:
    return torch.zeros(shape)


N, C, L, S, E = 2, 6, 5, 7, 4

WITHOUT_BIAS: dict[str, Callable[[], Any]] = {
    "linear": lambda: F.linear(new(N, L, 6), new(8, 6)),
    "linear of one sample": lambda: F.linear(new(6), new(8, 6)),
    "conv1d": lambda: F.conv1d(new(N, C, 9), new(8, C, 3)),
    "conv2d": lambda: F.conv2d(new(N, C, 9, 8), new(8, C, 3, 2), stride=2, padding=1),
    "conv2d in groups": lambda: F.conv2d(new(N, C, 9, 8), new(4, 3, 3, 3), groups=2),
    "conv2d without a batch": lambda: F.conv2d(new(C, 9, 8), new(4, C, 3, 3), padding="same"),
    "conv2d, dilated": lambda: torch.conv2d(new(N, C, 9, 8), new(4, C, 3, 3), dilation=2),
    "conv3d": lambda: F.conv3d(new(N, C, 4, 5, 6), new(4, C, 2, 2, 2)),
    "conv by keyword": lambda: F.conv2d(weight=new(4, C, 3, 3), input=new(N, C, 9, 8)),
    "conv_transpose1d": lambda: F.conv_transpose1d(new(N, C, 9), new(C, 4, 3), stride=2),
    "conv_transpose2d": lambda: F.conv_transpose2d(
        new(N, C, 9, 8), new(C, 4, 3, 3), stride=2, padding=1
    ),
    "conv_transpose2d in groups": lambda: F.conv_transpose2d(
        new(N, C, 9, 8), new(C, 4, 3, 3), groups=2
    ),
    "conv_transpose3d": lambda: F.conv_transpose3d(new(N, C, 4, 5, 6), new(C, 4, 2, 2, 2)),
    "@": lambda: new(3, 4) @ new(4, 5),
    "matmul of batches": lambda: new(2, 3, 4) @ new(2, 4, 5),
    "matmul, broadcast": lambda: torch.matmul(new(2, 1, 3, 4), new(6, 4, 5)),
    "matmul by keyword": lambda: torch.matmul(input=new(3, 4), other=new(4, 5)),
    "Tensor.matmul": lambda: new(3, 4).matmul(new(4, 5)),
    "a vector @ a matrix": lambda: new(4) @ new(4, 5),
    "matmul into a tensor": lambda: torch.matmul(new(3, 4), new(4, 5), out=new(3, 5)),
    "mm": lambda: torch.mm(new(3, 4), new(4, 5)),
    "bmm": lambda: new(2, 3, 4).bmm(new(2, 4, 5)),
    "linalg.matmul": lambda: torch.linalg.matmul(new(3, 4), new(4, 5)),
    "addmm": lambda: torch.addmm(new(5), new(3, 4), new(4, 5), beta=0),
    "baddbmm": lambda: torch.baddbmm(new(2, 3, 5), new(2, 3, 4), new(2, 4, 5), beta=0),
    "inner": lambda: torch.inner(new(2, 3, 4), new(5, 4)),
    "tensordot": lambda: torch.tensordot(new(2, 3, 4), new(3, 4, 5), dims=2),
    "tensordot of named dimensions": lambda: torch.tensordot(
        new(2, 3, 4), new(4, 5, 3), dims=([1, 2], [2, 0])
    ),
    "einsum of matrices": lambda: torch.einsum("ij,jk->ik", new(3, 4), new(4, 5)),
    "einsum, batched": lambda: torch.einsum("bqhd,bkhd->bhqk", new(2, 3, 4, 5), new(2, 6, 4, 5)),
    "einsum with an ellipsis": lambda: torch.einsum("...ij,jk", new(2, 3, 4), new(4, 5)),
    "einsum, broadcast": lambda: torch.einsum("...ij,...jk->...ik", new(2, 3, 4), new(1, 4, 5)),
    "einsum that sums one first": lambda: torch.einsum("ija,jk->ik", new(3, 4, 9), new(4, 5)),
    "einsum, elementwise": lambda: torch.einsum("ij,ij->ij", new(3, 4), new(3, 4)),
    "einsum, outer": lambda: torch.einsum("i,j->ij", new(3), new(4)),
    "einsum over one place": lambda: torch.einsum("bxd,byd->bxy", new(2, 3, 1), new(2, 5, 1)),
    "einsum over one place of one": lambda: torch.einsum("id,jd->ij", new(3, 4), new(5, 1)),
    "einsum over more than one": lambda: torch.einsum("ide,jde->ij", new(3, 4, 2), new(5, 1, 2)),
    "einsum of one": lambda: torch.einsum("ii->i", new(3, 3)),
    "einsum of a list": lambda: torch.einsum("ij,jk->ik", [new(3, 4), new(4, 5)]),
    "attention": lambda: F.scaled_dot_product_attention(
        new(N, 3, L, E), new(N, 3, S, E), new(N, 3, S, 6)
    ),
    "attention, causal": lambda: F.scaled_dot_product_attention(
        new(N, 3, L, E), new(N, 3, L, E), new(N, 3, L, E), is_causal=True
    ),
    "attention with shared keys": lambda: F.scaled_dot_product_attention(
        new(N, 6, L, E), new(N, 2, S, E), new(N, 2, S, E), enable_gqa=True
    ),
    "multi-head attention": lambda: nn.MultiheadAttention(8, 2, bias=False, device="meta")(
        new(L, N, 8), new(S, N, 8), new(S, N, 8)
    ),
    "multi-head attention to itself": lambda: nn.MultiheadAttention(
        8, 2, bias=False, device="meta"
    )(*[new(L, 8)] * 3, need_weights=False),
    "multi-head attention of other widths": lambda: nn.MultiheadAttention(
        8, 2, bias=False, kdim=5, vdim=3, add_zero_attn=True, device="meta"
    )(new(L, N, 8), new(S, N, 5), new(S, N, 3)),
    "lstm": lambda: nn.LSTM(4, 3, 2, bias=False, bidirectional=True, device="meta")(new(L, N, 4)),
    "lstm with a projection": lambda: nn.LSTM(4, 3, proj_size=2, bias=False, device="meta")(
        new(L, N, 4)
    ),
    "gru, batch first": lambda: nn.GRU(4, 3, bias=False, batch_first=True, device="meta")(
        new(N, L, 4)
    ),
    "rnn without a batch": lambda: nn.RNN(4, 3, bias=False, device="meta")(new(L, 4)),
    "rnn of relus": lambda: nn.RNN(4, 3, bias=False, nonlinearity="relu", device="meta")(
        new(L, N, 4)
    ),
    "lstm cell": lambda: nn.LSTMCell(4, 3, bias=False, device="meta")(new(N, 4)),
    "gru cell": lambda: nn.GRUCell(4, 3, bias=False, device="meta")(new(N, 4)),
    "rnn cell": lambda: nn.RNNCell(4, 3, bias=False, device="meta")(new(4)),
    "embedding": lambda: F.embedding(torch.zeros(3, dtype=torch.long), zeros(9, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_BIAS)
def test_products_are_as_torchs_own_counter_has_them(name: str) -> None:
    run = WITHOUT_BIAS[name]
    assert counted(run) == oracle(run)


@given(SIZES, SIZES, SIZES, SIZES)
@settings(max_examples=25, deadline=None)
def test_products_of_any_size_are_as_torchs_own_counter_has_them(
    a: int, b: int, c: int, d: int
) -> None:
    for run in (
        lambda: new(a, b, c) @ new(a, c, d),
        lambda: F.linear(new(a, b, c), new(d, c)),
        lambda: F.conv1d(new(a, b, c + d), new(d, b, c)),
        lambda: F.conv_transpose1d(new(a, b, c), new(b, d, 3)),
        lambda: torch.einsum("abc,cd->abd", new(a, b, c), new(c, d)),
        lambda: F.scaled_dot_product_attention(new(a, b, c, d), new(a, b, d, d), new(a, b, d, d)),
    ):
        assert counted(run) == oracle(run)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: F.linear(new(2, 3), new(4, 3), new(4)), 2 * 4 * 3 + 2 * 4),
        (lambda: F.linear(new(2, 3), new(4, 3), bias=new(4)), 2 * 4 * 3 + 2 * 4),
        (lambda: F.conv1d(new(2, 3, 5), new(4, 3, 2), new(4)), 2 * 4 * 4 * (3 * 2 + 1)),
        (
            lambda: F.conv_transpose1d(new(2, 3, 5), new(3, 4, 2), new(4)),
            2 * 3 * 5 * 4 * 2 + 2 * 4 * 6,
        ),
        (lambda: torch.addmm(new(5), new(3, 4), new(4, 5)), 3 * 5 * 4 + 3 * 5),
        (lambda: torch.addmm(new(5), mat2=new(4, 5), mat1=new(3, 4)), 3 * 5 * 4 + 3 * 5),
        (lambda: new(3, 5).addmm_(new(3, 4), new(4, 5)), 3 * 5 * 4 + 3 * 5),
        (lambda: torch.addmv(new(3), new(3, 4), new(4)), 3 * 4 + 3),
        (lambda: torch.addbmm(new(3, 5), new(2, 3, 4), new(2, 4, 5)), 2 * 3 * 4 * 5 + 3 * 5),
        (
            lambda: torch.baddbmm(new(2, 3, 5), new(2, 3, 4), new(2, 4, 5)),
            2 * 3 * 4 * 5 + 2 * 3 * 5,
        ),
        (lambda: torch.mv(new(3, 4), new(4)), 12),
        (lambda: torch.dot(new(4), new(4)), 4),
        (lambda: torch.linalg.vecdot(new(4, 3), new(4, 3), dim=0), 12),
        (lambda: F.bilinear(new(2, 3), new(2, 4), new(5, 3, 4), new(5)), 2 * 5 * (3 * 4 + 1)),
        (lambda: torch.outer(new(3), new(4)), 0),
    ],
)
def test_what_torchs_counter_leaves_out_is_as_worked_out_by_hand(
    run: Callable[[], Any], expected: int
) -> None:
    assert counted(run) == expected


def test_a_reflected_product_is_counted_by_its_left_operand() -> None:
    left, right = new(2, 3), new(3, 4)
    assert count(Tensor.__rmatmul__, (right, left), {}, left @ right) == 2 * 3 * 4


@pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="not in this torch")
@pytest.mark.parametrize(
    ("one", "other", "out"),
    [
        ((6, 4), (2, 4, 5), (6, 5)),
        ((2, 3, 4), (2, 4, 5), (2, 3, 5)),
        ((6, 4), (4, 5), (2, 6, 5)),
        ((2, 3, 4), (4, 10), (3, 10)),
    ],
)
def test_a_grouped_product_multiplies_each_row_once(
    one: tuple[int, ...], other: tuple[int, ...], out: tuple[int, ...]
) -> None:
    by_hand = {2: 6 * 4 * 5, 3: 2 * 3 * 4 * 5}[len(one)]
    assert count(torch._grouped_mm, (new(*one), new(*other)), {}, new(*out)) == by_hand


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (nn.Linear(4, 3), [(2, 5, 4)]),
        (nn.Conv2d(3, 4, 3, groups=1), [(2, 3, 8, 8)]),
        (nn.ConvTranspose2d(3, 4, 3, stride=2), [(2, 3, 8, 8)]),
        (nn.LSTM(4, 3, 2, bidirectional=True), [(5, 2, 4)]),
        (nn.GRU(4, 3), [(5, 2, 4)]),
        (nn.MultiheadAttention(8, 2), [(5, 2, 8)] * 3),
        (nn.Embedding(9, 4), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_layer_and_the_call_it_makes_count_the_same(
    module: nn.Module, shapes: list[tuple[int, ...]]
) -> None:
    inputs = [zeros(*shape) for shape in shapes] or [torch.zeros(2, 3, dtype=torch.long)]
    outputs: list[Any] = []
    assert counted(lambda: outputs.append(module(*inputs))) == mult_adds(
        module, described(tensors_in(inputs)), described(tensors_in(outputs[0]))
    )


def test_a_packed_sequence_multiplies_only_the_steps_there_are() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(zeros(5, 2, 4), torch.tensor([5, 2]))
    lstm = nn.LSTM(4, 3)
    weights = sum(p.numel() for p in lstm.parameters())
    assert counted(lambda: lstm(packed)) == (5 + 2) * weights


def test_three_operands_are_contracted_from_left_to_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.opt_einsum, "is_available", lambda: False)
    run = lambda: torch.einsum("ij,jk,kl->il", new(2, 3), new(3, 4), new(4, 5))  # noqa: E731
    assert counted(run) == oracle(run) == 2 * 3 * 4 + 2 * 4 * 5
    monkeypatch.setattr(torch.backends.opt_einsum, "is_available", lambda: True)
    operands = (new(2, 3), new(3, 4), new(4, 5))
    assert count(torch.einsum, ("ij,jk,kl->il", *operands), {}, new(2, 5)) is None


FREE = (
    *(F.relu, F.gelu, F.softmax, F.dropout, F.layer_norm, F.batch_norm, F.group_norm, F.glu),
    *(F.max_pool2d, F.adaptive_avg_pool2d, F.interpolate, F.cross_entropy, F.embedding, F.pad),
    *(torch.cat, torch.stack, torch.add, torch.mul, torch.where, torch.topk, torch.sum),
    *(torch.relu, torch.sigmoid, torch.cumsum, torch.zeros, torch.arange, torch.outer, torch.tril),
    *(Tensor.view, Tensor.reshape, Tensor.transpose, Tensor.permute, Tensor.__getitem__),
    *(Tensor.__add__, Tensor.__radd__, Tensor.__rsub__, Tensor.__iadd__, Tensor.add_, Tensor.to),
    *(Tensor.mean, Tensor.size, Tensor.contiguous, Tensor.chunk, Tensor.masked_fill_, Tensor.item),
    *(Tensor.__setitem__, Tensor.__invert__, Tensor.unbind, Tensor.float, Tensor.copy_),
    *(F.logsigmoid, torch.special.expit, torch.special.softmax, Tensor.fill_, Tensor.zero_),
)


@pytest.mark.parametrize("func", FREE, ids=lambda func: func.__name__)
def test_a_call_without_a_product_is_free(func: Callable[..., Any]) -> None:
    assert is_free(func)
    assert count(func, (), {}, None) == 0


@pytest.mark.parametrize(
    "func",
    [
        *(torch.cdist, torch.fft.fft, torch.linalg.inv, torch.linalg.multi_dot, torch.linalg.svd),
        *(torch.addr, torch.sparse.mm, torch.matrix_exp, torch.cholesky_solve, F.affine_grid),
    ],
    ids=lambda func: func.__name__,
)
def test_a_call_that_may_multiply_and_has_no_rule_is_uncounted(func: Callable[..., Any]) -> None:
    assert not is_free(func)
    assert count(func, (), {}, None) is None


@pytest.mark.parametrize(
    "func", [torch.matmul, F.linear, torch.einsum, torch.conv2d, torch.lstm, torch.bmm, torch.addmm]
)
def test_nothing_with_a_rule_is_called_free(func: Callable[..., Any]) -> None:
    assert not is_free(func)


def test_arguments_of_another_kind_are_uncounted_and_never_raise() -> None:
    assert count(torch.matmul, (), {}, None) is None
    assert count(torch.einsum, (new(2, 3), [0, 1], new(3, 4), [1, 2]), {}, new(2, 4)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nested = torch.nested.nested_tensor([zeros(2, 3), zeros(4, 3)])
    assert count(F.linear, (nested, zeros(5, 3)), {}, nested) in (None, 6 * 3 * 3, 6 * 5 * 3)
