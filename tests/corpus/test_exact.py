"""Architectures of transformers, each tiny: what is recorded of one forward, against oracles that
know nothing of the recorder: hooks, `parameters()`, autograd's graph, and the flop counter."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib.util
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode

from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.dataflow import Dataflow
from nninspect.engine.dry_run.lenient import Lenient
from nninspect.engine.dry_run.on_meta import OnMeta
from nninspect.engine.forward import run_forward
from nninspect.engine.inputs import Arguments, make_arguments
from nninspect.engine.layers import Evidence
from nninspect.engine.load import Loaded
from nninspect.engine.memory import bytes_by_dtype
from nninspect.engine.module_calls import is_leaf_of_torch
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.structure import count_parameters, walk
from nninspect.engine.tree import layer_tree
from nninspect.engine.unchanged import set_mode, unchanged
from nninspect.protocol.layers import Kind, LayerRow
from nninspect.protocol.records import Setup

transformers: Any = pytest.importorskip("transformers")
pytestmark = pytest.mark.corpus

CPU = torch.device("cpu")
MIN_ARCHITECTURES = 60
FLOORS = {
    "shapes": 0.99,
    "dry run": 0.97,
    "ladder": 0.98,
    "parameters": 1.0,
    "edges": 0.99,
    "mult-adds": 0.99,
}
"""The shares that have to be exact: just under what is reached."""

ONLY = os.environ.get("ARCHITECTURES", "").split()
"""Model types to look at alone, as `ARCHITECTURES="gpt2 t5"`."""

Shapes = list[tuple[int, ...]]
Seen = dict[str, list[tuple[Shapes, Shapes]]]


def _sibling(name: str) -> Any:
    """A test module beside this one: the folder is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensors(value: Any) -> Iterator[Tensor]:
    """The test's own way of finding them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors(getattr(value, field.name))


def shapes(value: Any) -> Shapes:
    return [tuple(tensor.shape) for tensor in tensors(value)]


def run(model: nn.Module, arguments: Arguments) -> Any:
    """A forward, the same every time."""
    torch.manual_seed(0)
    args, kwargs = arguments
    return model(*args, **kwargs)


# Shapes


def hooked(model: nn.Module, arguments: Arguments) -> Seen:
    """(inputs, outputs) of every call of every module, by hooks."""
    found: Seen = defaultdict(list)
    open_calls: list[Shapes] = []

    def watch(path: str, module: nn.Module) -> Iterator[Any]:
        def before(_: nn.Module, args: Any, kwargs: Any) -> None:
            open_calls.append(shapes([args, kwargs]))

        def after(_: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            found[path].append((open_calls.pop(), shapes(output)))

        yield module.register_forward_pre_hook(before, with_kwargs=True, prepend=True)
        yield module.register_forward_hook(after, with_kwargs=True)

    handles = [each for path, module in model.named_modules() for each in watch(path, module)]
    try:
        with torch.no_grad():
            run(model, arguments)
    finally:
        for handle in handles:
            handle.remove()
    return dict(found)


def recorded_shapes(model: nn.Module, recorder: CallRecorder) -> Seen:
    """What the recorder has of the calls that the hooks see, as they end."""
    paths = {id(module): path for path, module in model.named_modules()}
    found: Seen = defaultdict(list)
    for call in _as_they_end(recorder.calls):
        path = paths.get(id(call.module))
        if path is not None:
            pair = ([t.shape for t in call.inputs], [t.shape for t in call.outputs or ()])
            found[path].append(pair)
    return dict(found)


def _as_they_end(calls: list[Call]) -> Iterator[Call]:
    """Calls of one module that are not inside each other end in the order they began."""
    open_calls: list[int] = []
    for place, call in enumerate(calls):
        while open_calls and open_calls[-1] != call.inside:
            yield calls[open_calls.pop()]
        open_calls.append(place)
    while open_calls:
        yield calls[open_calls.pop()]


def dry_run_differs(
    model: nn.Module, arguments: Callable[[], Arguments], right: Seen
) -> tuple[str, bool]:
    """How the calls of a copy on meta differ, and whether its forward failed, so that the next
    rung of the ladder would be asked."""
    copied, known = copy.deepcopy(model), OnMeta()
    with torch.no_grad(), known:  # as it is built
        copied.to("meta")
    args, kwargs = arguments()
    onto_meta = functools.partial(pytree.tree_map_only, Tensor, lambda t: t.to("meta"))
    with torch.no_grad(), Lenient(known.values) as lenient:  # those of inputs are known as well
        forward = run_forward(copied, (onto_meta(args), onto_meta(kwargs)), lenient=lenient)
    if forward.failure is not None:
        return f"{forward.failure.message} at {forward.failure.where}", True
    ours = recorded_shapes(copied, forward.recorder)
    wrong = [path for path in {**right, **ours} if right.get(path) != ours.get(path)]
    if not wrong:
        return "", False
    guessed = [f"{guess.op} {guess.assumed} {guess.source}" for guess in forward.guesses]
    return f"{wrong[0]!r} differs; guessed {guessed}", False


# Parameters


def parameters_differ(model: nn.Module, rows: list[LayerRow]) -> str:
    of_path = {row.path: row.total_parameters for row in rows if row.kind is Kind.MODULE}
    for path, module in model.named_modules(remove_duplicate=False):
        right = sum({id(p): p.numel() for p in module.parameters()}.values())
        if of_path.get(path, right) != right:
            return f"{path} has {right}, not {of_path[path]}"
    right = sum(p.numel() * p.element_size() for p in model.parameters())
    found = sum(each.parameters for each in bytes_by_dtype(model))
    return "" if found == right else f"{right} bytes, not {found}"


# Edges


@dataclasses.dataclass(frozen=True)
class Parameter:
    """The maker of a parameter, for ops that use it directly."""

    identity: int


class GradientFlow(Dataflow[Any]):
    """Only the edges that a gradient flows along: choosing by an index is no such edge.

    Within an autograd function tensors don't say so: there every floating one may be.
    """

    def used(self, tensors: Iterable[Tensor], by: Any) -> None:
        inside = not torch.is_grad_enabled()
        flows = [t for t in tensors if t.requires_grad or (inside and t.is_floating_point())]
        super().used(flows, by)


def by_edges(recorder: CallRecorder, output: Any) -> set[int]:
    """Parameters behind the outputs, by makers and edges."""
    behind: dict[Any, set[Any]] = defaultdict(set)
    for made, used in recorder.dataflow.edges:
        behind[used].add(made)
    makers = recorder.dataflow._makers
    todo: list[Any] = [makers[id(tensor)][1] for tensor in tensors(output) if tensor.requires_grad]
    reached: set[Any] = set()
    found: set[int] = set()
    while todo:
        maker = todo.pop()
        if maker is None or maker in reached:
            continue
        reached.add(maker)
        todo.extend(behind[maker])
        if isinstance(maker, Parameter):
            found.add(maker.identity)
        elif isinstance(maker, Call) and is_leaf_of_torch(maker.module):
            found.update(id(parameter) for parameter in maker.module.parameters())
    return found


def by_autograd(output: Any) -> set[int]:
    """Parameters behind the outputs, by autograd's graph."""
    todo: list[Any] = [tensor.grad_fn for tensor in tensors(output)]
    reached: set[Any] = set()
    found: set[int] = {id(t) for t in tensors(output) if t.requires_grad and t.grad_fn is None}
    while todo:
        node = todo.pop()
        if node is None or node in reached:
            continue
        reached.add(node)
        todo.extend(following for following, _ in node.next_functions)
        if hasattr(node, "variable"):
            found.add(id(node.variable))
    return found


# Mult-adds


class BiasCounter(TorchFunctionMode):
    """Elements that a bias was added to, which the flop counter leaves out."""

    LAYERS: tuple[Any, ...] = (
        *(F.linear, F.bilinear, F.conv1d, F.conv2d, F.conv3d),
        *(torch.conv1d, torch.conv2d, torch.conv3d),
        *(F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d),
    )
    RECURRENT: tuple[Any, ...] = (torch.lstm, torch.gru)
    SUMS: tuple[Any, ...] = (
        *(torch.addmm, torch.baddbmm, torch.addmv),
        *(Tensor.addmm, Tensor.baddbmm, Tensor.addmv),
    )

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            self.elements += _of_attention(*args, **kwargs)
        elif func in self.RECURRENT:
            weights = next(a for a in args[1:] if isinstance(a, (tuple, list)) and a[0].dim() == 2)
            self.elements += prod(args[0].shape[:-1]) * sum(
                w.numel() for w in weights if w.dim() == 1
            )
        elif func in self.LAYERS:
            place = 3 if func is F.bilinear else 2
            bias = kwargs.get("bias", args[place] if len(args) > place else None)
            self.elements += 0 if bias is None else result.numel()
        elif func in self.SUMS and kwargs.get("beta", 1) != 0:
            self.elements += result.numel()
        return result


def _of_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    width: int,
    heads: int,
    in_weight: Tensor | None,
    in_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    zero: bool,
    dropout: float,
    out_weight: Tensor,
    out_bias: Tensor | None,
    *rest: Any,
    **more: Any,
) -> int:
    places = [prod(tensor.shape[:-1]) for tensor in (query, key, value)]
    into = 0 if in_bias is None else sum(places) * width
    return into + (0 if out_bias is None else places[0] * out_weight.shape[0])


def _grouped(a: Any, b: Any, *rest: Any, out_shape: Any = None, **more: Any) -> int:
    """Every row of (rows, inner) meets one matrix of (groups, inner, columns)."""
    return 2 * prod(a) * b[-1]


KNOWN_GAPS: dict[Any, Callable[..., int]] = {
    torch.ops.aten._grouped_mm: _grouped,
    torch.ops.aten.mv: lambda a, b, *rest, **more: 2 * prod(a),
    torch.ops.aten.dot: lambda a, b, *rest, **more: 2 * prod(a),
}
"""Products that the flop counter of torch leaves out."""


@contextmanager
def _taken_apart() -> Iterator[None]:
    """Attention and recurrent layers as the matrix products that they are made of."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


class _NoModules(AbstractContextManager[None]):
    """In place of the counter's tracker of modules, whose hooks fail on a parameter given as is."""

    parents = frozenset({"Global"})

    def __exit__(self, *_: object) -> None: ...


def products(model: nn.Module, arguments: Arguments) -> int:
    """Multiplications of the flop counter, and the bias elements."""
    biases, counter = BiasCounter(), FlopCounterMode(display=False, custom_mapping=KNOWN_GAPS)
    counter.mod_tracker = _NoModules()  # type: ignore[assignment]
    with torch.no_grad(), _taken_apart(), counter, biases:
        run(model, arguments)
    return int(counter.get_total_flops()) // 2 + biases.elements


# All of it


def differences(model: nn.Module, arguments: Callable[[], Arguments]) -> dict[str, str]:
    """What is wrong by each oracle; "" where it is exact."""
    found = dict.fromkeys(FLOORS, "")
    right = hooked(model, arguments())
    found["dry run"], failed = dry_run_differs(model, arguments, right)  # a graph can't be copied
    recorder = CallRecorder()
    recorder.dataflow = GradientFlow()
    for parameter in model.parameters():
        recorder.dataflow.made([parameter], Parameter(id(parameter)))
    with torch.enable_grad(), recorder:
        output = run(model, arguments())
    ours = recorded_shapes(model, recorder)
    wrong = [path for path in {**right, **ours} if right.get(path) != ours.get(path)]
    if wrong:
        path = wrong[0]
        found["shapes"] = f"{path!r}: {right.get(path)}, not {ours.get(path)}"
    found["ladder"] = found["shapes"] if failed else found["dry run"]
    nodes = walk(model)
    count_parameters(nodes)
    evidence = Evidence(recorder.calls, recorder.ops, finished=True)
    rows = layer_tree(nodes, evidence).rows
    found["parameters"] = parameters_differ(model, rows)
    names = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    reached = by_edges(recorder, output) & names.keys()
    reachable = by_autograd(output) & names.keys()
    if reached != reachable:
        missing = [names.get(key, "?") for key in reachable - reached]
        extra = [names.get(key, "?") for key in reached - reachable]
        found["edges"] = f"missing {missing[:3]} ({len(missing)}), extra {extra[:3]} ({len(extra)})"
    total = products(model, arguments())
    if rows[0].mult_adds != total:
        uncounted = {op.name for op in recorder.ops if op.mult_adds is None}
        found["mult-adds"] = f"{total}, not {rows[0].mult_adds}; uncounted {sorted(uncounted)}"
    return found


def lines(name: str, found: Mapping[str, str]) -> str:
    """One for each difference."""
    wrong = {oracle: " ".join(what.split()) for oracle, what in found.items() if what}
    return "".join(f"  {name}: {oracle}: {what[:300]}\n" for oracle, what in wrong.items())


def table(results: Mapping[str, Mapping[str, str]]) -> str:
    """One line an oracle."""
    rows = [f"of {len(results)} architectures are exact in"]
    for oracle in FLOORS:
        exact = sum(not found[oracle] for found in results.values())
        rows.append(f"  {oracle:12} {exact:4}  {exact / max(len(results), 1):6.1%}")
    return "\n".join(rows)


@pytest.mark.filterwarnings("ignore")
def test_what_is_recorded_of_nearly_every_architecture_is_exact() -> None:
    corpus, started = _sibling("test_transformers"), time.monotonic()
    transformers.logging.set_verbosity(logging.CRITICAL)
    results: dict[str, dict[str, str]] = {}
    for name, config, kind in corpus.architectures():
        if ONLY and name not in ONLY:
            continue
        model = corpus.tiny_model(config, kind)
        specs = None if model is None else inputs_for(model)
        if model is not None and specs is not None:
            with unchanged(model):
                set_mode(model, False)
                run(model, make_arguments(specs, CPU))  # some exchange parts of theirs at first
                results[name] = differences(model, lambda s=specs: make_arguments(s, CPU))
                print(lines(name, results[name]), end="", flush=True)
    print(table(results))
    print(f"in {time.monotonic() - started:.0f} s")
    if not ONLY:
        assert len(results) >= MIN_ARCHITECTURES
        for oracle, floor in FLOORS.items():
            exact = sum(not found[oracle] for found in results.values())
            assert exact >= floor * len(results), oracle


def inputs_for(model: nn.Module) -> Any:
    """None where none was found that runs: another test counts those."""
    loaded = Loaded(model, None, None, 0.0)
    try:
        with unchanged(model):
            set_mode(model, False)
            specs, _ = choose_inputs(loaded, Setup(target="it"), CPU, lambda stage, fraction: None)
            run(model, make_arguments(specs, CPU))
    except Exception:
        return None
    return specs
