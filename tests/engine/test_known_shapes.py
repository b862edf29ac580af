"""What an op gives by a rule, or as remembered of its like, against what its meta kernel gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nninspect.engine.dry_run import lenient, shape_rules
from nninspect.engine.dry_run.known_shapes import KnownShapes
from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.forward import run_forward
from nninspect.engine.inputs import make_arguments
from nninspect.engine.load import load
from nninspect.engine.recorder import CallRecorder
from nninspect_models.good_cards import GOOD

META = torch.device("meta")
Op = Callable[[Tensor, Tensor], Any]


def facts(result: Any) -> Any:
    """All that can be told of tensors without values."""
    if isinstance(result, Tensor):
        place = (result.storage_offset(), result.is_contiguous(), result._base is not None)
        return (type(result), result.shape, result.stride(), result.dtype, result.device, *place)
    return type(result), [facts(part) for part in result]


def twice(op: Op, a: Tensor, b: Tensor) -> tuple[Any, Any, Any]:
    """What the kernel gives, and what the mode gives at the first call and at the second."""
    right = op(a, b)
    with Lenient():
        return facts(right), facts(op(a, b)), facts(op(a, b))


OPS: list[Op] = [
    lambda a, b: a + b,
    lambda a, b: a * 2,
    lambda a, b: a.transpose(0, 1) + 1,
    lambda a, b: a.transpose(0, 1).contiguous(),
    lambda a, b: a.expand(2, 4, 4) * b,
    lambda a, b: a.long() / 2,
    lambda a, b: a.long() + True,
    lambda a, b: a @ b,
    lambda a, b: F.linear(a, b, b[0]),
    lambda a, b: F.scaled_dot_product_attention(a[None, None], b[None, None], b[None, None]),
    lambda a, b: F.softmax(a, -1, dtype=torch.float64),
    lambda a, b: F.layer_norm(a, (4,)),
    lambda a, b: F.embedding(a.long(), b),
    lambda a, b: F.conv1d(a[None], b[:, :, None]),
    lambda a, b: torch.cat([a, b], 1),
    lambda a, b: torch.stack((a, b)),
    lambda a, b: a.reshape(2, 8),
    lambda a, b: a.transpose(0, 1).reshape(-1),
    lambda a, b: a.view(16),
    lambda a, b: a[:, 1:3],
    lambda a, b: a[..., None],
    lambda a, b: a[a[0].long()],
    lambda a, b: a.split(2),
    lambda a, b: a.max(dim=1),
    lambda a, b: torch.topk(a, 2),
    lambda a, b: torch.var_mean(a, 0),
    lambda a, b: F.gelu(a, approximate="tanh"),
    lambda a, b: torch.einsum("ij,kj->ik", a, b),
    lambda a, b: a.to(torch.bfloat16),
    lambda a, b: a.to(torch.float32),
    lambda a, b: F.dropout(a, 0.5, training=True),
    lambda a, b: F.dropout(a, 0.5, training=False),
    lambda a, b: torch.view_as_complex(a.view(4, 2, 2)) * 2,
    lambda a, b: a.t() + b.t(),
    lambda a, b: F.linear(a.t(), b),
    lambda a, b: F.leaky_relu(a, 0.1, True),
    lambda a, b: F.relu(a, True),
    lambda a, b: a.pow(2) > a.long(),
    lambda a, b: a.long() * a.long(),
    lambda a, b: a.bool() + a.bool(),
    lambda a, b: a.half() + b.bfloat16(),
    lambda a, b: a.half() * b[0, 0],
    lambda a, b: a[:, :1] + b[:1],
    lambda a, b: a.sum() * b.sum(),
    lambda a, b: torch.where(a > 0, a, 1),
    lambda a, b: torch.where(a > 0, a.half(), b),
    lambda a, b: a.mean((0, 1), keepdim=True),
    lambda a, b: a.mean([-1]),
    lambda a, b: F.adaptive_avg_pool2d(a[None, None], (1, 2)),
    lambda a, b: F.batch_norm(a, b[0], b[0]),
    lambda a, b: F.group_norm(a[:, :, None], 2, b[0]),
    lambda a, b: F.rms_norm(a, (4,), b[0]),
    lambda a, b: a.masked_fill(b > 0, 0.0),
    lambda a, b: F.linear(a, b.half()),
    lambda a, b: a.to(torch.float8_e4m3fn) + 1,
]


KERNELS_THAT_RULES_REPLACE: list[Op] = [
    lambda a, b: F.linear(a, b, b[0]),
    lambda a, b: F.layer_norm(a, (4,), b[0], b[0]),
    lambda a, b: F.rms_norm(a, (4,), b[0]),
    lambda a, b: F.batch_norm(a, b[0], b[0], b[0], b[0]),
    lambda a, b: F.group_norm(a[:, :, None], 2, b[0]),
    lambda a, b: F.scaled_dot_product_attention(a[None, None], b[None, None], b[None, None]),
    lambda a, b: F.adaptive_avg_pool2d(a[None, None], 1),
    lambda a, b: a + b[0],
    lambda a, b: 2 - a,
    lambda a, b: 1 / a,
    lambda a, b: a**2,
    lambda a, b: a > 0,
    lambda a, b: F.relu(a),
    lambda a, b: F.gelu(a, approximate="tanh"),
    lambda a, b: a.cos(),
    lambda a, b: a.mean(-1, keepdim=True),
    lambda a, b: torch.where(a > 0, a, b),
    lambda a, b: a.masked_fill(b > 0, 0.0),
]

WRONG: list[Op] = [
    lambda a, b: a + b[:3],
    lambda a, b: F.linear(a, b[:, :3]),
    lambda a, b: F.linear(a, b, b[0, :3]),
    lambda a, b: F.layer_norm(a, (3,)),
    lambda a, b: F.batch_norm(a, b[0, :3], b[0, :3]),
    lambda a, b: F.group_norm(a[:, :, None], 3),
    lambda a, b: F.scaled_dot_product_attention(a[None, None], b[None, None, :, :3], b[None, None]),
    lambda a, b: F.gelu(a, approximate="cosh"),
    lambda a, b: a.mean(2),
    lambda a, b: a.mean((0, 0)),
]


def pair() -> tuple[Tensor, Tensor]:
    return torch.empty(4, 4, device=META), torch.empty(4, 4, device=META)


@pytest.mark.parametrize("op", KERNELS_THAT_RULES_REPLACE)
def test_a_rule_is_as_the_kernel_has_it(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Tensor | None] = []

    def by_rule(*call: Any) -> Tensor | None:
        found.append(shape_rules.by_rule(*call))
        return found[-1]

    monkeypatch.setattr(lenient, "by_rule", by_rule)
    right, first, _ = twice(op, *pair())
    assert first == right
    assert any(each is not None for each in found)


@pytest.mark.parametrize("op", WRONG)
def test_what_the_kernel_refuses_no_rule_lets_through(op: Op) -> None:
    def refusal() -> str:
        with pytest.raises(Exception) as refused:  # noqa: PT011
            op(*pair())
        return f"{refused.type.__name__}: {refused.value}"

    right = refusal()
    with Lenient():
        assert refusal() == right


def test_within_vmap_no_rule_answers() -> None:
    a, b = pair()
    with Lenient():
        assert torch.vmap(lambda row: row + 1)(a).shape == (4, 4)
        assert torch.vmap(lambda row: F.linear(row, b))(a).shape == (4, 4)


@pytest.mark.parametrize("op", OPS)
def test_the_second_call_is_as_the_kernel_has_it(op: Op) -> None:
    right, first, second = twice(op, *pair())
    assert first == right
    assert second == right


def test_scalars_that_are_equal_and_of_another_kind_are_not_the_same_call() -> None:
    whole = torch.empty(3, dtype=torch.int64, device=META)
    with Lenient():
        assert (whole + 1).dtype == torch.int64
        assert (whole + 1.0).dtype == torch.float32
        assert (whole + True).dtype == torch.int64
        assert torch.add(whole, 1.0).dtype == torch.float32


def test_a_default_dtype_that_changes_makes_another_call() -> None:
    whole = torch.empty(3, dtype=torch.int64, device=META)
    with Lenient():
        assert (whole / 2).dtype == torch.float32
        torch.set_default_dtype(torch.float64)
        try:
            assert (whole / 2).dtype == torch.float64
        finally:
            torch.set_default_dtype(torch.float32)


def test_a_view_stays_one_and_what_is_written_to_is_what_comes_back() -> None:
    x = torch.empty(4, 4, device=META)
    with Lenient():
        for _ in range(3):
            assert x.view(16)._base is x
            assert x.add_(1) is x
            out = torch.empty(4, 4, device=META)
            assert torch.add(x, x, out=out) is out


def test_each_result_has_a_storage_of_its_own() -> None:
    x = torch.empty(4, device=META)
    with Lenient():
        made = [x + 1 for _ in range(3)]
    assert len({t.untyped_storage()._cdata for t in made}) == 3


def test_what_a_gradient_flows_through_is_computed_each_time() -> None:
    weight = nn.Parameter(torch.empty(4, 4, device=META))
    with Lenient():
        assert all((weight * 2).grad_fn is not None for _ in range(3))


def test_values_that_are_there_are_computed() -> None:
    with Lenient():
        assert [(torch.ones(2) * k).sum().item() for k in (1, 2, 2)] == [2, 4, 4]


def test_lengths_that_always_grow_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nninspect.engine.dry_run.known_shapes.MOST", 5)
    known = KnownShapes()
    for length in range(20):
        x = torch.empty(length, device=META)
        call, _ = known.look_up(torch.relu, (x,), {})
        if call is not None:
            known.keep(call, torch.relu(x))
    assert len(known._known) == 5


def recorded(recorder: CallRecorder) -> Any:
    ops = [(o.name, o.inputs, o.outputs, o.output_bytes, o.mult_adds) for o in recorder.ops]
    calls = [(type(c.module), c.inputs, c.outputs, c.output_bytes) for c in recorder.calls]
    return ops, calls, len(recorder.dataflow.edges)


@pytest.mark.parametrize("name", [card.name for card in GOOD])
def test_a_bundled_network_is_recorded_alike_with_and_without(name: str) -> None:
    loaded = load(name, on_meta=True)
    model, card = loaded.model.eval(), loaded.card
    assert card is not None
    with torch.no_grad():
        plain = run_forward(model, make_arguments(card.inputs, META))
        with Lenient() as lenient:
            seen = run_forward(model, make_arguments(card.inputs, META), lenient=lenient)
    if plain.failure is None:
        assert seen.failure is None
        assert recorded(seen.recorder) == recorded(plain.recorder)
        assert seen.guesses == ()
