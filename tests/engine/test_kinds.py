"""Forwards and modules of every kind: each is shown right, or what isn't known is said plainly.

Whatever the kind, the look leaves the model as it was.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from nninspect.engine.inputs import make_arguments
from nninspect.engine.recorder import CallRecorder
from nninspect.protocol.layer_table import LayerTable
from nninspect.protocol.layers import INPUT, OUTPUT, Kind, LayerRow, Mark
from nninspect.protocol.records import InputSpec

pytestmark = pytest.mark.filterwarnings("ignore")
TWO_BY_FOUR = InputSpec((2, 4))
HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_hooks",
    "_backward_pre_hooks",
)


class Net(nn.Module):
    """A module with the given parts, whose forward is the given function of it and its inputs."""

    def __init__(self, forward: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def linear() -> nn.Linear:
    return nn.Linear(4, 4)


def state(model: nn.Module) -> dict[str, Any]:
    """All that a look could change, in values that compare with `==`."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "modules": [(path, id(module)) for path, module in model.named_modules()],
        "modes": [module.training for module in model.modules()],
        "hooks": [[list(getattr(m, name, ())) for name in HOOKS] for m in model.modules()],
        "tensors": [(name, id(tensor)) for name, tensor in tensors],
        "values": [t.detach().clone().tolist() for _, t in tensors],
        "grads": [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        "trainable": [p.requires_grad for p in model.parameters()],
        "random": torch.get_rng_state().tolist(),
        "call": (nn.Module.__call__, nn.Module.__call__.__code__),
        "gradients are on": torch.is_grad_enabled(),
    }


@pytest.fixture(params=["eval", "train"])
def see(request: pytest.FixtureRequest, look: Any) -> Callable[..., Any]:
    """A look in either mode that asserts that the model is as it was: modes, hooks, buffers,
    random state, gradients."""

    def see(model: nn.Module, *inputs: InputSpec) -> Any:
        modules = list(model.modules())
        for place, module in enumerate(modules):
            if not isinstance(module, torch.jit.ScriptModule):
                module.training = place % 2 == 0
        for parameter in model.parameters():
            if parameter.is_floating_point() and parameter.is_leaf:
                parameter.grad = torch.ones_like(parameter)
        before = state(model)
        seen = look(model, *(inputs or (TWO_BY_FOUR,)), training=request.param == "train")
        after = state(model)
        assert [name for name in before if before[name] != after[name]] == []
        return seen

    return see


def out(row: LayerRow) -> list[tuple[int, ...]]:
    assert row.outputs is not None
    return [tensor.shape for tensor in row.outputs]


def edges(seen: Any) -> set[tuple[str, str]]:
    """Pairs of paths; "input" for the model's own. Those to its output are left out."""
    table = LayerTable(seen.inspection.layers)
    inner = [(a, b) for a, b in table.edges if b != OUTPUT]
    return {("input" if a == INPUT else table.path(a), table.path(b)) for a, b in inner}


def behind(path: str, seen: Any) -> set[str]:
    """All that led to a row."""
    found, todo = set(), [path]
    while todo:
        used = todo.pop()
        new = {a for a, b in edges(seen) if b == used} - found
        found |= new
        todo.extend(new)
    return found


# Forwards that differentiate, and functional transforms


def test_a_forward_that_asks_for_a_gradient_is_run_with_gradients(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        energy = self.fc(x).pow(2).sum()
        (force,) = torch.autograd.grad(energy, x)
        return energy, -force

    seen = see(Net(forward, fc=linear()))
    assert seen.inspection.failure is None
    assert out(seen.rows[""]) == [(), (2, 4)]
    assert out(seen.rows["fc"]) == [(2, 4)]


def test_a_forward_that_calls_backward_changes_no_gradient(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        loss = self.fc(x).sum()
        with torch.enable_grad():
            self.fc(x).sum().backward()
        return loss  # type: ignore[no-any-return]

    assert see(Net(forward, fc=linear())).inspection.failure is None


@pytest.mark.parametrize(
    ("transformed", "shape"),
    [
        (lambda m, x: torch.func.grad(lambda v: m.fc(v).sum())(x), (2, 4)),
        (lambda m, x: torch.func.vmap(m.fc)(x), (2, 4)),
        (lambda m, x: torch.func.jacrev(m.fc)(x[0]), (4, 4)),
        (lambda m, x: torch.func.jacfwd(m.fc)(x[0]), (4, 4)),
        (lambda m, x: torch.func.jvp(m.fc, (x,), (x,))[1], (2, 4)),
        (
            lambda m, x: torch.func.functional_call(m.fc, dict(m.fc.named_parameters()), (x,)),
            (2, 4),
        ),
    ],
    ids=["grad", "vmap", "jacrev", "jacfwd", "jvp", "functional_call"],
)
def test_functional_transforms_are_looked_into(
    transformed: Any, shape: tuple[int, ...], see: Any
) -> None:
    seen = see(Net(lambda self, x: self.act(transformed(self, x)), fc=linear(), act=nn.ReLU()))
    assert seen.inspection.failure is None
    assert seen.rows["fc"].calls >= 1
    assert out(seen.rows["act"]) == [shape]
    assert "fc" in behind("act", seen)
    assert "input" in behind("fc", seen)


# Forwards that change what is given to them


def test_inputs_written_in_place_have_the_shapes_that_they_came_with(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        x.unsqueeze_(0).add_(1)
        return self.fc(x)  # type: ignore[no-any-return]

    seen = see(Net(forward, fc=linear()))
    assert [tensor.shape for tensor in seen.rows[""].inputs] == [(2, 4)]
    assert out(seen.rows[""]) == [(1, 2, 4)]
    assert ("add", "fc") in edges(seen)


def test_every_forward_of_a_look_gets_the_same_values(see: Any) -> None:
    values: list[list[float]] = []

    def forward(self: Any, x: Tensor) -> Tensor:
        values.append(x.flatten().tolist())
        return x.zero_()

    see(Net(forward))
    (x,), _ = make_arguments([TWO_BY_FOUR], torch.device("cpu"))
    assert len(values) > 1
    assert all(seen == x.flatten().tolist() for seen in values)


# Threads, generators, hooks


def test_what_another_thread_calls_is_not_taken_for_uncalled(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda part: part(x), (self.one, self.two)))  # type: ignore[return-value]

    seen = see(Net(forward, one=linear(), two=linear(), three=linear()))
    assert seen.inspection.failure is None
    assert Mark.UNCALLED in seen.rows["three"].marks
    for path in ("one", "two"):
        assert Mark.UNCALLED not in seen.rows[path].marks
        assert seen.rows[path].outputs is None
        assert "called in another thread, where no shapes are seen" in seen.rows[path].notes


def test_a_generator_that_its_caller_runs_is_looked_into(see: Any) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = linear()

        def forward(self, x: Tensor) -> Iterator[Tensor]:
            for _ in range(3):
                x = self.fc(x)
                yield x

    seen = see(Net(lambda self, x: torch.stack(list(self.steps(x))), steps=Steps()))
    assert out(seen.rows[""]) == [(3, 2, 4)]
    assert seen.rows["steps"].outputs == ()
    assert seen.rows["steps.fc"].calls == 3
    assert ("steps.fc", "stack") in edges(seen)


def test_of_a_generator_that_nobody_runs_nothing_is_claimed(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Iterator[Tensor]:
        yield self.fc(x)

    seen = see(Net(forward, fc=linear()))
    assert seen.inspection.failure is None
    assert Mark.UNCALLED not in seen.rows["fc"].marks
    assert "gives a generator, which was not run" in seen.rows[""].notes


def test_the_users_hooks_are_kept_and_run_once_a_forward(see: Any) -> None:
    forwards: list[int] = []
    hooked: list[str] = []
    model = Net(lambda self, x: (forwards.append(1), self.fc(x))[1], fc=linear())
    model.fc.register_forward_hook(lambda *_: hooked.append("after"))
    model.fc.register_forward_pre_hook(lambda *_, **__: hooked.append("before"), with_kwargs=True)
    model.fc.register_forward_hook(lambda *_: hooked.append("always"), always_call=True)
    see(model)
    assert hooked == ["before", "after", "always"] * len(forwards)


def test_a_hook_that_changes_what_a_module_gives_is_in_its_shape(see: Any) -> None:
    model = Net(lambda self, x: self.act(self.fc(x)), fc=linear(), act=nn.ReLU())
    model.fc.register_forward_hook(lambda module, args, output: output[:1])
    seen = see(model)
    assert out(seen.rows["fc"]) == out(seen.rows["act"]) == [(1, 4)]
    assert any(
        made == "fc" or made.startswith("getitem") for made, used in edges(seen) if used == "act"
    )


def test_hooks_that_a_forward_registers_do_not_stay(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        self.fc.register_forward_hook(lambda m, a, k, o: o, with_kwargs=True, always_call=True)
        self.fc.register_forward_pre_hook(lambda m, a, k: None, with_kwargs=True)
        return self.fc(x)  # type: ignore[no-any-return]

    see(Net(forward, fc=linear()))


# Parameters that are computed


def weight_normed() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nn.utils.weight_norm(linear())


class Doubled(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight * 2


def parametrized() -> nn.Module:
    layer = linear()
    parametrize.register_parametrization(layer, "weight", Doubled())
    return layer


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (weight_normed, 4 + 16 + 4),
        (lambda: parametrizations.weight_norm(linear()), 4 + 16 + 4),
        (lambda: torch.nn.utils.spectral_norm(linear()), 20),
        (lambda: parametrizations.spectral_norm(linear()), 20),
        (lambda: parametrizations.orthogonal(linear()), 20),
        (parametrized, 20),
        (lambda: prune.l1_unstructured(linear(), "weight", 0.5), 20),
    ],
    ids=[
        *("weight_norm", "parametrized weight_norm", "spectral_norm"),
        *("parametrized spectral_norm", "orthogonal", "parametrized", "pruned"),
    ],
)
def test_computed_weights_have_their_shapes_counts_and_products(
    make: Callable[[], nn.Module], parameters: int, see: Any
) -> None:
    seen = see(nn.Sequential(nn.ReLU(), make()))
    row = seen.rows["1"]
    assert seen.inspection.failure is None
    assert out(row) == [(2, 4)]
    assert row.total_parameters == parameters
    assert row.mult_adds == 2 * 20
    assert ("0", "1") in edges(seen) or ("0", "1.linear") in edges(seen)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_convolution_with_a_computed_weight_multiplies_by_that(
    transposed: bool, see: Any
) -> None:
    kind = nn.ConvTranspose1d if transposed else nn.Conv1d
    model = nn.Sequential(parametrizations.weight_norm(kind(2, 3, 1)))
    assert see(model, InputSpec((1, 2, 5))).rows["0"].mult_adds == 5 * (2 * 3 + 3)


# Wrappers and kinds of modules


class Wrapped(nn.Module):
    """As DistributedDataParallel: everything is passed on, whatever it is."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


@pytest.mark.parametrize(
    ("wrap", "inner"),
    [
        (nn.DataParallel, "module"),
        (Wrapped, "module"),
        (lambda model: torch.compile(model, backend="eager"), "_orig_mod"),
        (lambda model: torch.optim.swa_utils.AveragedModel(model), "module"),
    ],
    ids=["DataParallel", "as DDP", "torch.compile", "AveragedModel"],
)
def test_a_wrapper_shows_what_it_wraps(wrap: Any, inner: str, see: Any) -> None:
    net = Net(lambda self, x: F.relu(self.fc(x)) + x, fc=linear())
    seen = see(wrap(net))
    assert seen.inspection.failure is None
    assert out(seen.rows[""]) == out(seen.rows[inner]) == out(seen.rows[f"{inner}.fc"]) == [(2, 4)]
    assert (f"{inner}.fc", f"{inner}.relu") in edges(seen)
    assert seen.rows[""].mult_adds == 2 * 20


def test_a_method_that_was_compiled_shows_its_parts(see: Any) -> None:
    model = Net(lambda self, x: F.relu(self.fc(x)), fc=linear())
    model.compile(backend="eager")
    assert out(see(model).rows["fc"]) == [(2, 4)]


def exported(model: nn.Module, *args: Tensor) -> nn.Module:
    return torch.export.export(model.eval(), args).module()


def test_an_exported_program_shows_its_operators_as_the_functions_they_are(look: Any) -> None:
    net = Net(lambda self, x: F.relu(self.fc(x)).sum(1), fc=linear())
    seen = look(exported(net, torch.ones(2, 4)))
    assert seen.inspection.failure is None
    assert seen.inspection.inputs == (TWO_BY_FOUR,)
    assert seen.inspection.inputs_from == "what the model was traced with"
    assert [path for path in seen.rows if seen.rows[path].kind is Kind.OP] == [
        "linear",
        "relu",
        "sum",
    ]
    assert seen.rows["linear"].mult_adds == seen.rows[""].mult_adds == 2 * 20
    assert ("linear", "relu") in edges(seen)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, groups=1),
        nn.Conv2d(4, 4, 3, groups=2, bias=False),
        nn.ConvTranspose2d(3, 4, 3, stride=2),
    ],
)
def test_core_operators_of_an_exported_program_count_as_its_layers_do(
    layer: nn.Conv2d, look: Any
) -> None:
    x = torch.ones(2, layer.in_channels, 8, 8)
    net = nn.Sequential(layer, nn.BatchNorm2d(4)).eval()
    program = torch.export.export(net, (x,)).run_decompositions()
    seen = look(program.module())
    assert seen.inspection.uncounted == ()
    assert seen.rows[""].mult_adds == look(net, InputSpec(tuple(x.shape))).rows["0"].mult_adds


def test_a_dynamically_quantized_layer_shows_what_it_calls(see: Any) -> None:
    quantization = pytest.importorskip("torch.ao.quantization")
    model = quantization.quantize_dynamic(nn.Sequential(linear(), nn.ReLU()).eval(), {nn.Linear})
    seen = see(model)
    assert seen.inspection.failure is None
    assert out(seen.rows["0"]) == out(seen.rows["0.linear_dynamic"]) == [(2, 4)]
    assert ("input", "0.linear_dynamic") in edges(seen)
    assert seen.rows["0.linear_dynamic"].mult_adds == 2 * 20 == seen.rows[""].mult_adds
    assert seen.inspection.uncounted == ()


def test_a_transformer_has_every_part_with_its_shape(see: Any) -> None:
    model = nn.Transformer(8, 2, 2, 2, 16, batch_first=True)
    seen = see(model, InputSpec((2, 5, 8)), InputSpec((2, 3, 8)))
    assert seen.inspection.failure is None
    assert out(seen.rows["encoder.layers.1.self_attn"])[0] == (2, 5, 8)
    assert out(seen.rows["decoder.layers.0.multihead_attn"])[0] == (2, 3, 8)
    assert not any(
        Mark.UNCALLED in row.marks
        for path, row in seen.rows.items()
        if not path.endswith("out_proj")
    )


def test_packed_sequences_are_seen_on_their_way_through_an_lstm(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, torch.tensor([3, 2]), batch_first=True)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]

    model = Net(forward, lstm=nn.LSTM(4, 6, batch_first=True))
    seen = see(model, InputSpec((2, 3, 4)))
    assert seen.inspection.failure is None
    row = seen.rows["lstm"]
    assert row.inputs[0].shape == (5, 4)
    assert out(row)[0] == (5, 6)
    assert out(seen.rows[""]) == [(2, 3, 6)]
    assert ("lstm", "pad_packed_sequence") in edges(seen) or seen.rows[""].outputs


def test_a_traced_part_is_one_step(see: Any) -> None:
    traced = torch.jit.trace(nn.Sequential(linear(), nn.ReLU()), torch.ones(2, 4))
    seen = see(Net(lambda self, x: self.traced(x) + 1, traced=traced))
    assert out(seen.rows["traced"]) == [(2, 4)]
    assert ("traced", "add") in edges(seen)
    assert not any(Mark.UNCALLED in row.marks for row in seen.rows.values())


def test_a_module_made_in_the_forward_has_a_row_where_it_is_called(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        with torch.random.fork_rng():
            made = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
        return self.fc(made(x))  # type: ignore[no-any-return]

    seen = see(Net(forward, fc=nn.Linear(6, 2)))
    assert [path for path in seen.rows if path[:1].isupper() or path == "fc"] == [
        *("Linear", "ReLU", "fc")
    ]
    assert out(seen.rows["Linear"]) == [(2, 6)]
    assert seen.rows["Linear"].kind is Kind.OP
    assert {("input", "Linear"), ("Linear", "ReLU"), ("ReLU", "fc")} <= edges(seen)
    assert seen.rows[""].mult_adds == 2 * (4 * 6 + 6) + 2 * (6 * 2 + 2)


# What a forward gives


@dataclass
class Output:
    logits: Tensor
    hidden: list[Tensor] | None = None


class Mapped(dict[str, Any]):
    """As the ModelOutput of transformers."""


@pytest.mark.parametrize(
    ("made_of", "keys"),
    [
        (lambda y: Output(y, [y, y]), ["logits", "hidden.0", "hidden.1"]),
        (lambda y: Mapped(logits=y, loss=None), [""]),
        (lambda y: None, []),
        (lambda y: 3.5, []),
        (lambda y: "text", []),
        (lambda y: (y, (None, {"aux": y})), ["0", "1.1.aux"]),
    ],
    ids=["dataclass", "mapping", "None", "number", "text", "nested"],
)
def test_whatever_a_forward_gives_its_tensors_are_found(
    made_of: Any, keys: list[str], see: Any
) -> None:
    seen = see(Net(lambda self, x: made_of(self.fc(x)), fc=linear()))
    assert seen.inspection.failure is None
    assert [tensor.key for tensor in seen.rows[""].outputs] == keys


# How a forward is run


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_is_checkpointed_is_looked_into_once(reentrant: bool, see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        return checkpoint(lambda y: F.relu(self.fc(y)), x, use_reentrant=reentrant) + x  # type: ignore[no-any-return]

    seen = see(Net(forward, fc=linear()))
    assert seen.rows["fc"].calls == 1
    assert edges(seen) == {
        ("input", "fc"),
        ("fc", "relu"),
        ("relu", "add"),
        ("input", "add"),
    }


def test_autocast_shows_in_the_dtypes(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.fc(x) @ self.fc(x).T  # type: ignore[no-any-return]

    rows = see(Net(forward, fc=linear())).rows
    assert rows["fc"].inputs[0].dtype == "float32"
    assert rows["fc"].outputs[0].dtype == rows["matmul"].outputs[0].dtype == "bfloat16"


class Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad


class Dirty(Plain):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        ctx.mark_dirty(x)
        return x.clamp_(min=0)


class Straight(Plain):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.view_as(x)


@pytest.mark.parametrize(
    ("function", "op"), [(Plain, "clamp"), (Dirty, "clamp"), (Straight, "view_as")]
)
def test_an_autograd_function_is_looked_into(function: Any, op: str, see: Any) -> None:
    model = Net(lambda self, x: self.two(function.apply(self.one(x))), one=linear(), two=linear())
    assert {("one", op), (op, "two")} <= edges(see(model))


# Kinds of tensors


def test_complex_tensors_have_their_dtype(see: Any) -> None:
    model = Net(
        lambda self, x: torch.view_as_real(self.fc(x) * x.conj()).abs(),
        fc=nn.Linear(4, 4, dtype=torch.complex64),
    )
    seen = see(model, InputSpec((2, 4), "complex64"))
    assert seen.inspection.failure is None
    assert seen.rows["fc"].outputs[0].dtype == "complex64"
    assert out(seen.rows[""]) == [(2, 4, 2)]
    assert ("fc", "mul") in edges(seen)


def test_tensors_without_dimensions_and_without_elements_have_their_shapes(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fc(x[:0]), self.fc(x).sum()

    seen = see(Net(forward, fc=linear()))
    assert out(seen.rows[""]) == [(0, 4), ()]
    assert seen.rows["fc"].mult_adds == 2 * 20
    assert out(see(Net(lambda self, x: x * 2), InputSpec(())).rows["mul"]) == [()]
    assert out(see(nn.Sequential(linear()), InputSpec((0, 4))).rows["0"]) == [(0, 4)]


class Tagged(Tensor):
    """A subclass that hears of every function that it is given to."""

    heard: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.heard.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})


def test_a_tensor_subclass_is_seen_and_hears_of_nothing_that_is_ours(see: Any) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        return self.fc(x.as_subclass(Tagged)).relu() + 1  # type: ignore[no-any-return]

    model = Net(forward, fc=linear())
    seen = see(model)
    assert {("fc", "relu"), ("relu", "add")} <= edges(seen)
    Tagged.heard.clear()
    model(torch.ones(2, 4))
    alone = list(Tagged.heard)
    Tagged.heard.clear()
    with CallRecorder():
        model(torch.ones(2, 4))
    assert Tagged.heard == alone


def test_sparse_tensors_have_their_shapes(see: Any) -> None:
    seen = see(Net(lambda self, x: self.fc(torch.sparse.mm(x.to_sparse(), x.T @ x)), fc=linear()))
    assert seen.inspection.failure is None
    assert out(seen.rows["to_sparse"]) == [(2, 4)]
    assert out(seen.rows["fc"]) == [(2, 4)]


def test_threads_that_outlive_the_look_call_modules_as_ever() -> None:
    fc, ready, done = linear(), threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not done.is_set():
                fc(torch.ones(1, 4))
                ready.set()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    for _ in range(3):
        with CallRecorder() as recorder:
            linear()(torch.ones(1, 4))
        assert len(recorder.calls) == 1
    done.set()
    thread.join()
    assert failures == []
