"""The figures shown are right, and say where torchinfo's are others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchinfo
from torch import Tensor, nn

from nninspect.engine import torchinfo_report as report
from nninspect.engine.forward import run_forward
from nninspect.engine.inputs import make_arguments
from nninspect.engine.load import Loaded
from nninspect.engine.structure import count_parameters, walk
from nninspect.plugin import ModelCard, collections
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import Kind, Mark
from nninspect.protocol.records import InputSpec

Opened = Callable[..., Loaded]
Look = Callable[..., Any]

GOOD = [
    c for group in collections() for c in group.cards if group.name == "bundled" and not c.twin_of
]
CONVOLUTIONAL = ["cnn-digits", "cnn-hybrid", "resnet-small", "inception-block"]
CPU = torch.device("cpu")


def shapes(value: Any) -> list[tuple[int, ...]]:
    """The test's own way of finding tensors."""
    if isinstance(value, Tensor):
        return [tuple(value.shape)]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [shape for part in value for shape in shapes(part)]
    return []


def hooked(model: nn.Module, card: ModelCard) -> dict[str, list[tuple[Any, Any]]]:
    """(input shapes, output shapes) of every call of every module, by hooks on a real run."""
    found: dict[str, list[tuple[Any, Any]]] = defaultdict(list)

    def watch(path: str, module: nn.Module) -> None:
        def hook(_: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            found[path].append((shapes([args, kwargs]), shapes(output)))

        module.register_forward_hook(hook, with_kwargs=True)

    for path, module in model.named_modules():
        watch(path, module)
    args, kwargs = make_arguments(card.inputs, CPU)
    with torch.no_grad():
        model.eval()(*args, **kwargs)
    return found


@pytest.mark.parametrize("card", GOOD, ids=lambda card: card.name)
def test_every_row_of_a_bundled_network_equals_independent_hooks(
    card: ModelCard, opened: Opened, look: Look
) -> None:
    model = opened(card.name).model
    seen = look(model, *card.inputs)
    assert seen.inspection.failure is None
    assert seen.inspection.torchinfo == ""
    expected = hooked(opened(card.name).model, card)
    modules = dict(model.named_modules())
    rows = {path: row for path, row in seen.rows.items() if row.kind is Kind.MODULE}
    assert list(rows) == list(modules)
    for path, row in rows.items():
        assert row.calls == len(expected[path])
        if row.calls:
            inputs, outputs = expected[path][-1]
            assert [tensor.shape for tensor in row.inputs] == inputs
            assert [tensor.shape for tensor in row.outputs] == outputs
        module = modules[path]
        assert row.total_parameters == sum(p.numel() for p in module.parameters())
        assert row.own_parameters == sum(p.numel() for p in module.parameters(recurse=False))


@pytest.mark.parametrize("card", GOOD, ids=lambda card: card.name)
def test_every_recorded_call_equals_independent_hooks(card: ModelCard, opened: Opened) -> None:
    model = opened(card.name).model.eval()
    with torch.no_grad():
        forward = run_forward(model, make_arguments(card.inputs, CPU))
    expected = hooked(opened(card.name).model, card)
    calls: dict[str, list[Any]] = defaultdict(list)
    paths = {id(module): path for path, module in model.named_modules()}
    for call in forward.recorder.calls:
        pair = [t.shape for t in call.inputs], [t.shape for t in call.outputs or ()]
        calls[paths[id(call.module)]].append(pair)
    assert calls == {path: found for path, found in expected.items() if found}


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_mult_adds_of_convolutional_networks_are_torchinfos(
    name: str, opened: Opened, look: Look
) -> None:
    loaded = opened(name)
    assert loaded.card is not None
    seen = look(loaded.model, *loaded.card.inputs)
    args, _ = make_arguments(loaded.card.inputs, CPU)
    said = torchinfo.summary(loaded.model, input_data=list(args), verbose=0)
    assert seen.inspection.totals.mult_adds == said.total_mult_adds
    assert seen.inspection.totals.parameters == said.total_params
    assert not [row.path for row in seen.rows.values() if Mark.DIFFERS in row.marks]
    assert not [row.notes for row in seen.rows.values() if row.notes]


@pytest.mark.parametrize("name", [card.name for card in GOOD if card.name not in CONVOLUTIONAL])
def test_where_a_row_differs_it_says_how(name: str, opened: Opened, look: Look) -> None:
    loaded = opened(name)
    assert loaded.card is not None
    for row in look(loaded.model, *loaded.card.inputs).rows.values():
        assert (Mark.DIFFERS in row.marks) == any("torchinfo" in note for note in row.notes)


# Where torchinfo is wrong


class Part(nn.Module):
    def __init__(self, function: Any, **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


def test_tied_weights_count_once_and_torchinfos_figure_is_noted(look: Look) -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    root = look(model, InputSpec((1, 3), "int64")).rows[""]
    assert root.total_parameters == 40
    assert Mark.DIFFERS in root.marks
    assert "parameters 40, torchinfo 80" in root.notes


def test_a_shared_module_and_a_tied_weight_lead_to_where_they_stand_first(look: Look) -> None:
    shared = nn.ReLU()
    model = nn.Sequential(nn.Embedding(10, 4), shared, nn.Linear(4, 10, bias=False), shared)
    model[2].weight = model[0].weight
    table = LayerTable(look(model, InputSpec((1, 3), "int64")).inspection.layers)
    kin = {table.path(row): [table.path(other) for other in table.kin(row)] for row in range(5)}
    assert kin == {"": [], "0": ["2"], "1": ["3"], "2": ["0"], "3": ["1"]}


def test_keyword_inputs_have_their_shapes_and_a_note(look: Look) -> None:
    model = Part(lambda self, x: self.fc(input=x), fc=nn.Linear(4, 2))
    row = look(model, InputSpec((1, 4))).rows["fc"]
    assert [tensor.shape for tensor in row.inputs] == [(1, 4)]
    assert Mark.DIFFERS in row.marks
    assert "input (1, 4), torchinfo []" in row.notes


def test_a_linear_layer_over_a_sequence_multiplies_at_every_step(look: Look) -> None:
    seen = look(nn.Sequential(nn.Linear(4, 2)), InputSpec((3, 16, 4)))
    row = seen.rows["0"]
    assert row.mult_adds == 3 * 16 * (4 * 2 + 2)
    assert Mark.DIFFERS in row.marks
    assert "mult-adds 480, torchinfo 30" in row.notes
    assert seen.inspection.totals.mult_adds == 480


def test_an_embedding_multiplies_nothing(look: Look) -> None:
    row = look(nn.Sequential(nn.Embedding(10, 4)), InputSpec((1, 3), "int64")).rows["0"]
    assert row.mult_adds == 0
    assert any(note.startswith("mult-adds 0, torchinfo ") for note in row.notes)


def test_a_class_with_conv_in_its_name_need_not_be_one(look: Look) -> None:
    """torchinfo takes it for a convolution, and multiplies its bias over the "spatial" sizes."""

    class Conv1D(nn.Linear): ...

    row = look(nn.Sequential(Conv1D(4, 6)), InputSpec((2, 5, 4))).rows["0"]
    assert row.mult_adds == 2 * 5 * (4 * 6 + 6)


@pytest.mark.parametrize(
    ("layer", "spec", "expected"),
    [
        (nn.Linear(3, 5), InputSpec((7, 3)), 7 * (3 * 5 + 5)),
        (nn.Conv1d(2, 4, 3), InputSpec((1, 2, 10)), 8 * (2 * 4 * 3 + 4)),
        (nn.Conv2d(4, 8, 3, groups=2, bias=False), InputSpec((2, 4, 5, 5)), 2 * 9 * 8 * 2 * 9),
        (nn.Conv2d(2, 4, 3), InputSpec((2, 5, 5)), 9 * (4 * 2 * 9 + 4)),
        (nn.Conv3d(1, 2, 2), InputSpec((1, 1, 3, 3, 3)), 8 * (2 * 8 + 2)),
        (nn.ConvTranspose2d(2, 3, 2, stride=2), InputSpec((1, 2, 4, 4)), 16 * 2 * 3 * 4 + 3 * 64),
        (nn.LSTM(3, 5, batch_first=True), InputSpec((2, 7, 3)), 14 * (4 * 5 * (3 + 5 + 2))),
        (nn.ReLU(), InputSpec((1, 3)), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_mult_adds_by_hand(layer: nn.Module, spec: InputSpec, expected: int, look: Look) -> None:
    assert look(nn.Sequential(layer), spec).rows["0"].mult_adds == expected


def test_attention_multiplies_its_projections_and_its_two_products(look: Look) -> None:
    time, width = 6, 8
    attention = nn.MultiheadAttention(width, 2, batch_first=True)
    model = Part(lambda self, x: self.att(x, x, x)[0], att=attention)
    projections = time * (4 * width * width + 4 * width)
    assert look(model, InputSpec((1, time, width))).rows["att"].mult_adds == (
        projections + 2 * time * time * width
    )


def test_attention_to_more_than_was_asked_multiplies_each_sides_projections(look: Look) -> None:
    width, asked, seen_at = 8, 2, 6
    attention = nn.MultiheadAttention(width, 2, batch_first=True)
    model = Part(lambda self, x: self.att(x[:, :asked], x, x)[0], att=attention)
    projection = width * width + width
    assert look(model, InputSpec((3, seen_at, width))).rows["att"].mult_adds == 3 * (
        2 * asked * projection + 2 * seen_at * projection + 2 * asked * seen_at * width
    )


def test_what_is_multiplied_in_a_nested_tensor_is_not_known(look: Look) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        return self.fc(torch.nested.nested_tensor([x, x[:1]], layout=torch.jagged)).values()

    row = look(Part(forward, fc=nn.Linear(4, 2)), InputSpec((3, 4))).rows["fc"]
    assert row.calls == 1
    assert row.mult_adds is None or row.mult_adds >= 0


def test_a_module_called_twice_multiplies_twice(look: Look) -> None:
    model = Part(lambda self, x: self.fc(self.fc(x)), fc=nn.Linear(4, 4))
    seen = look(model, InputSpec((1, 4)))
    assert seen.rows["fc"].calls == 2
    assert seen.rows["fc"].mult_adds == seen.rows[""].mult_adds == 2 * 20


def test_a_shared_modules_mult_adds_count_once(look: Look) -> None:
    shared = nn.Linear(4, 4)
    seen = look(nn.Sequential(shared, nn.ReLU(), shared), InputSpec((1, 4)))
    assert seen.inspection.totals.mult_adds == 2 * 20


# Where torchinfo is not asked, or fails


def skipped(look: Look, model: nn.Module, *inputs: InputSpec) -> str:
    seen = look(model, *inputs)
    assert seen.inspection.failure is None
    return str(seen.inspection.torchinfo)


def test_it_is_skipped_above_its_limits(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    deep: nn.Module = nn.Linear(2, 2)
    for _ in range(report.MAX_DEPTH + 1):
        deep = nn.Sequential(deep)
    assert "deeper than 15 levels" in skipped(look, deep)
    monkeypatch.setattr(report, "MAX_MODULES", 2)
    assert "over 2 modules" in skipped(look, nn.Sequential(nn.Linear(2, 2), nn.ReLU()))


def test_it_is_skipped_on_a_cycle(look: Look) -> None:
    model = Part(lambda self, x: self.fc(x), fc=nn.Linear(2, 2))
    model.fc.up = nn.ModuleList([model])
    assert "contains itself" in skipped(look, model)


def test_it_is_skipped_on_a_script_module_whose_parts_are_not_called_uncalled(look: Look) -> None:
    model = torch.jit.script(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    seen = look(nn.Sequential(model), InputSpec((1, 2)))
    assert "ScriptModule" in seen.inspection.torchinfo
    assert seen.rows["0.0"].type == "Linear"
    assert not any(Mark.UNCALLED in row.marks for row in seen.rows.values())
    assert [tensor.shape for tensor in seen.rows["0"].outputs] == [(1, 3)]


def test_it_is_skipped_where_an_input_has_the_name_of_its_own_argument(look: Look) -> None:
    model = Part(lambda self, x, mode: x + mode)
    reason = skipped(look, model, InputSpec((1, 2)), InputSpec((1, 2), name="mode"))
    assert "an argument mode of its own" in reason


@pytest.mark.parametrize(
    "function",
    [
        lambda self, x: (self.part(None), x)[1],
        lambda self, x: (self.part("text"), x)[1],
        lambda self, x: (self.part({}), x)[1],
        lambda self, x: (self.part([[x], {"a": None}]), x)[1],
        lambda self, x: (self.part(3), x)[1],
    ],
    ids=["None", "str", "dict", "nested", "int"],
)
def test_whatever_it_meets_it_is_never_fatal(function: Any, look: Look) -> None:
    model = Part(function, part=Part(lambda self, value: value))
    seen = look(model, InputSpec((1, 2)))
    assert seen.inspection.failure is None
    assert seen.rows["part"].calls == 1
    assert [tensor.shape for tensor in seen.rows[""].outputs] == [(1, 2)]


def test_a_model_that_fails_when_called_again_is_not_fatal(look: Look) -> None:
    calls: list[int] = []

    def forward(self: Any, x: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("only once")
        return x

    reason = skipped(look, Part(forward, fc=nn.Linear(2, 2)), InputSpec((1, 2)))
    assert reason == "torchinfo failed: RuntimeError: only once"
    assert len(calls) == 3


def test_a_missing_torchinfo_is_not_fatal(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torchinfo", None)
    assert "can't be imported" in skipped(look, nn.Linear(2, 2))


def test_its_forward_gets_inputs_that_the_first_one_has_not_changed(look: Look) -> None:
    model = Part(lambda self, x: self.fc(x.unsqueeze_(0)), fc=nn.Linear(2, 2))
    seen = look(model, InputSpec((2,)))
    assert seen.inspection.torchinfo == ""
    assert Mark.DIFFERS not in seen.rows["fc"].marks


def test_a_forward_without_inputs_is_asked_too(look: Look) -> None:
    model = Part(lambda self: self.fc(torch.ones(1, 2)), fc=nn.Linear(2, 3))
    model.forward = lambda: model.fc(torch.ones(1, 2))  # type: ignore[method-assign]
    seen = look(model)
    assert [tensor.shape for tensor in seen.rows["fc"].outputs] == [(1, 3)]


def test_its_cache_is_empty_afterwards(look: Look) -> None:
    look(nn.Linear(2, 2))
    assert torchinfo.torchinfo._cached_forward_pass == {}


def test_a_failed_forward_is_not_run_again(look: Look) -> None:
    calls: list[int] = []

    def forward(self: Any, x: Tensor) -> Tensor:
        calls.append(1)
        raise RuntimeError

    seen = look(Part(forward), InputSpec((1, 2)))
    assert "the forward fails" in seen.inspection.torchinfo
    assert len(calls) == 1


def test_the_report_has_every_call_of_a_module() -> None:
    model = Part(lambda self, x: self.fc(self.fc(x)), fc=nn.Linear(2, 2))
    nodes = walk(model)
    count_parameters(nodes)
    found = report.torchinfo_report(nodes, ((torch.ones(1, 2),), {}))
    assert len(found.calls[id(model.fc)]) == 2
    assert found.parameters == 6


def test_calls_that_differ_are_each_kept_and_equal_ones_are_counted(look: Look) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        for length in (2, 3, 2):
            self.fc(x[:, :length])
        return self.same(self.same(x))

    model = Part(forward, fc=nn.Linear(4, 1), same=nn.Linear(4, 4))
    seen = look(model, InputSpec((1, 5, 4)))
    differing = seen.rows["fc"].different_calls
    assert [(c.inputs[0].shape, c.outputs[0].shape, c.times) for c in differing] == [
        ((1, 2, 4), (1, 2, 1), 2),
        ((1, 3, 4), (1, 3, 1), 1),
    ]
    assert seen.rows["same"].different_calls == ()
    assert seen.rows["same"].calls == 2
