"""Functional calls: which are recorded, where they stand, and what led to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import rnn

from nninspect.engine import ops
from nninspect.engine.inputs import make_arguments
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.plugin import ModelCard, collections
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import INPUT, OUTPUT, Kind, Mark
from nninspect.protocol.records import InputSpec

CPU = torch.device("cpu")
GOOD = [card for card in collections()[0].cards if not card.twin_of]


class Functional(nn.Module):
    """A module whose forward is given, with two layers to call from it."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.fc2 = nn.Linear(4, 4)
        self._forward = forward

    def forward(self, x: Tensor) -> Any:
        return self._forward(self, x)


def recorded(forward: Callable[..., Any]) -> CallRecorder:
    return record(Functional(forward), torch.ones(2, 4))


def record(model: nn.Module, *args: Tensor) -> CallRecorder:
    recorder = CallRecorder()
    with torch.no_grad(), recorder:
        model(*args)
    return recorder


def edges(recorder: CallRecorder) -> list[tuple[str, str]]:
    def name(maker: Any) -> str:
        if maker is None:
            return "input"
        return type(maker.module).__name__ if isinstance(maker, Call) else maker.name

    return [(name(made), name(used)) for made, used in recorder.dataflow.edges]


def table_of(look: Any, forward: Callable[..., Any]) -> LayerTable:
    return LayerTable(look(Functional(forward), InputSpec((2, 4))).inspection.layers)


@pytest.mark.parametrize(
    ("forward", "names"),
    [
        (lambda m, x: F.relu(x), ["relu"]),
        (lambda m, x: x.relu(), ["relu"]),
        (lambda m, x: x + 1, ["add"]),
        (lambda m, x: 1 - x, ["rsub"]),
        (lambda m, x: x @ x.T, ["matmul"]),
        (lambda m, x: torch.cat([x, x]), ["cat"]),
        (lambda m, x: x[:, 0], ["getitem"]),
        (lambda m, x: x.view(4, 2).flatten(), ["view", "flatten"]),
        (lambda m, x: F.softmax(x, 1), ["softmax"]),
        (lambda m, x: F.max_pool1d(x, 2), ["max_pool1d"]),
        (lambda m, x: F.dropout(x, 0.5, m.training), ["dropout"]),
        (lambda m, x: torch.einsum("bi,bj->bij", x, x), ["einsum"]),
        (lambda m, x: F.scaled_dot_product_attention(x, x, x), ["scaled_dot_product_attention"]),
        (lambda m, x: torch.zeros(2), ["zeros"]),
        (lambda m, x: m.fc2(m.fc1(x)), []),
        (lambda m, x: x if x.shape[0] and x.sum().item() and x.dim() == 2 else None, ["sum"]),
    ],
)
def test_what_the_forward_calls_is_an_op_and_what_only_asks_is_none(
    forward: Callable[..., Any], names: list[str]
) -> None:
    assert [op.name for op in recorded(forward).ops] == names


def test_an_op_has_its_shapes_and_the_users_line() -> None:
    (op,) = recorded(lambda m, x: torch.cat([x, x], dim=1)).ops
    assert [tensor.shape for tensor in op.inputs] == [(2, 4), (2, 4)]
    assert op.outputs is not None
    assert [tensor.shape for tensor in op.outputs] == [(2, 8)]
    assert op.source.startswith("test_ops.py:")


def test_what_a_layer_of_torch_calls_is_its_own_business() -> None:
    x = torch.ones(1, 2, 4)
    stack = nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4), nn.Identity())
    assert record(stack, x).ops == []
    assert record(nn.MultiheadAttention(4, 2, batch_first=True), x, x, x).ops == []


def test_packing_is_one_op_to_its_user_and_edges_lead_through_it() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn = nn.Embedding(9, 4), nn.GRU(4, 4, batch_first=True)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            rows = self.embed(x)
            packed = rnn.pack_padded_sequence(rows, lengths, True, enforce_sorted=False)
            return rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    recorder = record(Net(), torch.ones(2, 5, dtype=torch.int64), torch.tensor([3, 5]))
    pack, pad = "pack_padded_sequence", "pad_packed_sequence"
    assert [op.name for op in recorder.ops] == [pack, pad]
    assert ("Embedding", pack) in edges(recorder)
    assert ("input", pack) in edges(recorder)  # the lengths
    assert edges(recorder)[-2:] == [("GRU", pad), ("GRU", pad)]  # what is packed, and how long
    assert recorder.results == [recorder.ops[1]]


def test_edges_lead_through_layers_and_ops() -> None:
    recorder = recorded(lambda m, x: m.fc2(F.relu(m.fc1(x))) + x)
    assert edges(recorder) == [
        ("input", "Linear"),
        ("Linear", "relu"),
        ("relu", "Linear"),
        ("Linear", "add"),
        ("input", "add"),
    ]


def test_an_in_place_op_makes_its_tensor_anew() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        y = m.fc1(x)
        y.relu_()
        return m.fc2(y)

    assert edges(recorded(forward))[1:] == [("Linear", "relu"), ("relu", "Linear")]


def test_writing_through_a_view_changes_the_tensor_behind_it() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        y = m.fc1(x)
        y[0].mul_(2)
        y[1] = 0
        return m.fc2(y)

    assert edges(recorded(forward)) == [
        ("input", "Linear"),
        ("Linear", "getitem"),
        ("getitem", "mul"),
        ("mul", "setitem"),
        ("setitem", "Linear"),
    ]


def test_out_is_what_an_op_made() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        y = torch.empty(2, 4)
        torch.add(x, 1, out=y)
        return m.fc1(y)

    assert edges(recorded(forward))[-1] == ("add", "Linear")


def test_what_takes_only_the_shape_of_a_tensor_has_nothing_from_it() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        y = m.fc1(x)
        return m.fc2(torch.zeros_like(y)) + torch.full_like(x, y[0, 0]) + x.new_tensor(y)

    found = edges(recorded(forward))
    assert ("Linear", "zeros_like") not in found
    assert ("input", "full_like") not in found
    assert {("getitem", "full_like"), ("Linear", "new_tensor"), ("zeros_like", "Linear")} <= {
        *found
    }


def test_a_tensor_in_another_guise_is_the_same() -> None:
    assert edges(recorded(lambda m, x: m.fc2(m.fc1(x).T.T))) == [
        ("input", "Linear"),
        ("Linear", "Linear"),
    ]


def test_an_output_that_nothing_was_seen_to_make_is_its_modules() -> None:
    class Opaque(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with torch._C.DisableTorchFunction():
                return x * 2

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.opaque, self.fc = Opaque(), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.opaque(x))  # type: ignore[no-any-return]

    assert ("Opaque", "Linear") in edges(record(Net(), torch.ones(1, 4)))


@pytest.mark.parametrize("card", GOOD, ids=lambda card: card.name)
def test_edges_reach_the_layers_that_autograd_reaches(
    card: ModelCard, opened: Callable[..., Any]
) -> None:
    model = opened(card.name).model.eval()
    args, kwargs = make_arguments(card.inputs, CPU)
    recorder = CallRecorder()
    with recorder:
        output = model(*args, **kwargs)
    outputs = list(output.values()) if isinstance(output, dict) else [output]
    behind: dict[Any, set[Any]] = {}
    for made, used in recorder.dataflow.edges:
        behind.setdefault(used, set()).add(made)
    todo = [recorder.dataflow._makers[id(tensor)][1] for tensor in outputs]
    reached: set[Any] = set()
    while todo:
        maker = todo.pop()
        if maker is not None and maker not in reached:
            reached.add(maker)
            todo.extend(behind.get(maker, ()))
    by_edges = {id(p) for m in reached if isinstance(m, Call) for p in m.module.parameters()}
    sum(tensor.sum() for tensor in outputs).backward()
    direct = {
        id(p)
        for module in model.modules()
        if module._modules or not type(module).__module__.startswith("torch.")
        for p in module._parameters.values()
    }
    by_autograd = {id(p) for p in model.parameters() if p.grad is not None}
    assert by_edges == by_autograd - direct


def test_ops_stand_between_the_layers_that_they_were_called_between(look: Any) -> None:
    table = table_of(look, lambda m, x: F.relu(m.fc2(F.relu(m.fc1(x * 2)))))
    assert [(row.name, row.kind) for row in table] == [
        ("", Kind.MODULE),
        ("mul", Kind.OP),
        ("fc1", Kind.MODULE),
        ("relu", Kind.OP),
        ("fc2", Kind.MODULE),
        ("relu#2", Kind.OP),
    ]


def test_ops_between_the_members_of_a_list_stand_between_them(look: Any) -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = F.relu(layer(x))
            return x.sum(1)

    rows = list(LayerTable(look(Deep(), InputSpec((2, 4))).inspection.layers))
    assert [row.path for row in rows] == [
        "", "layers", "layers.0", "layers.relu", "layers.1", "layers.relu#2", "sum",
    ]  # fmt: skip


def test_a_module_called_twice_has_its_ops_once(look: Any) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.calls = nn.Linear(4, 4), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            y = F.relu(self.fc(x))
            return y + x if self.calls % 3 else y * x

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()

        def forward(self, x: Tensor) -> Tensor:
            return self.block(self.block(self.block(x)))  # type: ignore[no-any-return]

    rows = list(LayerTable(look(Net(), InputSpec((2, 4))).inspection.layers))
    calls = {row.path: row.calls for row in rows if row.kind is Kind.OP}
    assert calls["block.relu"] >= 3
    assert set(calls) == {"block.relu", "block.add", "block.mul"}


def test_an_op_called_like_a_layer_has_a_name_of_its_own(look: Any) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.relu(x))

    rows = list(LayerTable(look(Net(), InputSpec((2, 4))).inspection.layers))
    assert [row.path for row in rows] == ["", "relu", "relu#2"]


def test_a_skip_connection_has_two_producers(look: Any) -> None:
    table = table_of(look, lambda m, x: m.fc1(x) + x)
    add = table.find("add")
    assert add is not None
    assert table.producers(add) == (table.find("fc1"), INPUT)
    assert table.consumers(1) == (add,)


def test_the_op_that_raised_is_marked_and_so_is_its_module(look: Any) -> None:
    seen = look(Functional(lambda m, x: m.fc1(x) @ torch.ones(3, 3)), InputSpec((2, 4)))
    assert seen.inspection.failure is not None
    rows = {row.path: row for row in LayerTable(seen.inspection.layers)}
    assert Mark.FAILED in rows["matmul"].marks
    assert rows["matmul"].outputs is None
    assert [tensor.shape for tensor in rows["matmul"].inputs or ()] == [(2, 4), (3, 3)]
    assert Mark.FAILED in rows[""].marks
    assert Mark.FAILED not in rows["fc1"].marks


def test_an_op_whose_exception_was_caught_did_not_fail(look: Any) -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        try:
            return x @ torch.ones(3, 3)
        except RuntimeError:
            return x * 2

    rows = list(table_of(look, forward))
    assert not [row.path for row in rows if Mark.FAILED in row.marks]
    assert [row.name for row in rows if row.kind is Kind.OP][-1] == "mul"


def test_new_tensors_have_bytes_and_views_are_free() -> None:
    made = recorded(lambda m, x: (x * 2).view(8)[:4].clone()).ops
    assert [(op.name, op.output_bytes) for op in made] == [
        ("mul", 2 * 4 * 4),
        ("view", 0),
        ("getitem", 0),
        ("clone", 4 * 4),
    ]


def test_equal_subtrees_have_equal_signatures_and_ops_count(look: Any) -> None:
    class Block(nn.Module):
        def __init__(self, with_relu: bool) -> None:
            super().__init__()
            self.fc, self.with_relu = nn.Linear(4, 4), with_relu

        def forward(self, x: Tensor) -> Tensor:
            y = self.fc(x)
            return F.relu(y) if self.with_relu else y  # type: ignore[no-any-return]

    model = nn.Sequential(Block(True), Block(True), Block(False))
    rows = {r.path: r for r in LayerTable(look(model, InputSpec((2, 4))).inspection.layers)}
    assert rows["0"].signature == rows["1"].signature != rows["2"].signature
    assert rows["0.relu"].signature == 0


def test_a_loop_without_end_of_ops_keeps_the_first_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ops, "MAX_OPS", 10)

    def forward(m: Any, x: Tensor) -> Tensor:
        for _ in range(100):
            x = x + 1
        return x

    recorder = recorded(forward)
    assert len(recorder.ops) == 10
    assert recorder.left_out == 90


def test_ops_of_another_thread_are_left_to_it() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        thread = threading.Thread(target=lambda: x * 3)
        thread.start()
        thread.join()
        return x + 1

    assert [op.name for op in recorded(forward).ops] == ["add"]


def test_makers_are_forgotten_with_their_tensors() -> None:
    recorder = recorded(lambda m, x: m.fc2(F.relu(m.fc1(x))))
    assert not recorder.dataflow._makers


def test_the_recorded_forward_gives_what_the_plain_one_gives() -> None:
    model = Functional(lambda m, x: F.dropout(F.relu(m.fc1(x)), 0.5, training=True) + x)
    x = torch.randn(2, 4)
    torch.manual_seed(3)
    plain = model(x)
    torch.manual_seed(3)
    with CallRecorder():
        seen = model(x)
    assert torch.equal(plain, seen)


def test_products_of_ops_are_in_the_figures_of_what_they_stand_in(look: Any) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 4))

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.weight).relu() @ torch.ones(3, 5)

    rows = {r.path: r for r in LayerTable(look(Own(), InputSpec((2, 4))).inspection.layers)}
    assert rows["linear"].mult_adds == 2 * 4 * 3
    assert rows["relu"].mult_adds == 0
    assert rows["matmul"].mult_adds == 2 * 3 * 5
    assert rows[""].mult_adds == 2 * 4 * 3 + 2 * 3 * 5


def test_an_op_without_a_rule_is_listed_as_uncounted(look: Any) -> None:
    model = Functional(lambda m, x: torch.fft.fft(torch.fft.fft(m.fc1(x))).abs())
    found = look(model, InputSpec((2, 4))).inspection
    assert found.uncounted == ("fft_fft ×2",)


def test_the_mult_adds_of_a_network_are_the_flop_counters(look: Any) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24, bias=False)
            self.conv = nn.Conv1d(8, 8, 3, padding=1, groups=2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            y = torch.softmax(q @ k.transpose(1, 2), -1) @ v
            return torch.einsum("btd,bsd->bts", self.conv(y.mT).mT, x)

    found = look(Attention(), InputSpec((2, 5, 8))).inspection
    with torch.device("meta"):
        model, x = Attention(), torch.ones(2, 5, 8)
    with FlopCounterMode(display=False) as counter:
        model(x)
    assert found.totals.mult_adds == counter.get_total_flops() // 2


class Branches(nn.Module):
    """Gives two of its branches and one of its inputs, and uses the third for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.lost = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> dict[str, Any]:
        self.lost(x)
        return {"one": torch.relu(self.one(x)), "both": (x, self.two(x))}


def test_what_the_model_gives_is_told_from_what_nobody_uses(look: Any) -> None:
    table = LayerTable(look(Branches(), InputSpec((1, 3))).inspection.layers)
    row = {table.path(place): place for place in range(len(table))}
    assert table.consumers(row["relu"]) == (OUTPUT,)
    assert table.consumers(row["two"]) == (OUTPUT,)
    assert table.consumers(row["lost"]) == ()
    assert table.consumers(row["one"]) == (row["relu"],)
    assert table.results(row["relu"], row["relu"] + 1) == ("one",)
    assert table.results(row["two"], row["two"] + 1) == ("both.1",)
    assert (INPUT, OUTPUT) in table.edges


def test_a_module_whose_last_op_is_given_gives_it_as_a_whole(look: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 2), nn.ReLU()))
    table = LayerTable(look(model, InputSpec((1, 3))).inspection.layers)
    outer = table.find("1")
    assert outer is not None
    assert table.outflow(outer, table.end[outer]) == (OUTPUT,)


def test_a_forward_that_fails_gives_nothing(look: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(4, 2))
    table = LayerTable(look(model, InputSpec((1, 3))).inspection.layers)
    assert not table.is_finished
    assert OUTPUT not in [used for _, used in table.edges]
