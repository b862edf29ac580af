"""Mistakes planted in working networks, one at a time: how many of them the doctor finds."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.doctor.catalog import all_rules
from nninspect.doctor.check import of_model
from nninspect.doctor.deadline import Deadline
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.runner import run_rules
from nninspect.doctor.source import Source
from nninspect.engine.choose_inputs import choose_inputs
from nninspect.engine.load import Loaded
from nninspect.plugin import ModelCard, collections
from nninspect.protocol.findings import CheckPlan
from nninspect.protocol.records import InputSpec, Setup
from nninspect.text.inputs import parse_input

pytestmark = pytest.mark.corpus

AIM = 0.95
HAND_MADE = (
    "images:SEResNet", "images:DenseNet", "images:MobileNet", "images:UNet", "images:ViT",
    "sequences:GRUClassifier", "sequences:TCN", "sequences:AttentionPooling", "generative:Critic",
    "structured:TabularNet", "structured:PointNet", "functions:DuelingDQN",
)  # fmt: skip
OF_TRANSFORMERS = frozenset({"bert", "gpt2", "llama", "vit", "resnet", "t5"})
SECONDS = 30.0
CE, BCE, MSE = "cross_entropy", "binary_cross_entropy_with_logits", "mse_loss"
ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh)
AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d)


def first(output: Any) -> Tensor:
    """The primary one of what a network gives: a tensor, or the first in a tuple or a mapping."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values())) if isinstance(output, Mapping) else output[0]
    return output


class After(nn.Module):
    """A network, and something done to what it gives."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Any:
        return self.then(first(self.inner(*args, **kwargs)))

    def then(self, y: Tensor) -> Tensor:
        raise NotImplementedError


class Softmaxed(After):
    def then(self, y: Tensor) -> Tensor:
        return y.softmax(-1)


class Sigmoided(After):
    def then(self, y: Tensor) -> Tensor:
        return y.sigmoid()


class Rectified(After):
    def then(self, y: Tensor) -> Tensor:
        return y.relu()


class Picked(After):
    def then(self, y: Tensor) -> Tensor:
        return y.argmax(-1)


class OverTheBatch(After):
    def then(self, y: Tensor) -> Tensor:
        return y.softmax(0)


class Dropped(After):
    def then(self, y: Tensor) -> Tensor:
        return F.dropout(y, 0.5, self.training)


class AlwaysDropped(After):
    def then(self, y: Tensor) -> Tensor:
        return F.dropout(y, 0.5)


class Mixed(After):
    def then(self, y: Tensor) -> Tensor:
        return y - y.mean(0, keepdim=True)


class Cut(After):
    def then(self, y: Tensor) -> Tensor:
        return y.detach()


class Logged(After):
    def then(self, y: Tensor) -> Tensor:
        return (y - y.max() - 1).log()


class RootOfZero(After):
    def then(self, y: Tensor) -> Tensor:
        return y + ((y - y) ** 2).sum(-1, keepdim=True).sqrt()


class InPlace(After):
    def then(self, y: Tensor) -> Tensor:
        z = y.sigmoid()
        z *= 2
        return z


class OnTheCpu(After):
    def then(self, y: Tensor) -> Tensor:
        return y + torch.ones(y.shape[-1])


class Named(After):
    def then(self, y: Tensor) -> Tensor:
        return y + torch.ones(y.shape[-1], device="cpu")


class Asked(After):
    def then(self, y: Tensor) -> Tensor:
        return y / 2 if y.max() > 1 else y


class Unused(After):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.left_over = nn.Linear(8, 8)

    def then(self, y: Tensor) -> Tensor:
        return y


class Loose(After):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.scale = torch.ones(1, requires_grad=True)

    def then(self, y: Tensor) -> Tensor:
        return y * self.scale


class Listed(After):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.extra = [nn.LayerNorm(1) for _ in range(2)]

    def then(self, y: Tensor) -> Tensor:
        return y


Change = Callable[[nn.Module], nn.Module | None]


def replaced(model: nn.Module, kinds: Any, make: Callable[[Any], nn.Module]) -> nn.Module | None:
    """Every part of some kinds by another; None where there is none."""
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, kinds)
    ]
    for parent, name, child in found:
        setattr(parent, name, make(child))
    return model if found else None


def changed(kinds: Any, change: Callable[[Any], object]) -> Change:
    """Something is done to the middle one of the layers of some kinds."""

    def plant(model: nn.Module) -> nn.Module | None:
        found = [module for module in model.modules() if isinstance(module, kinds)]
        if not found:
            return None
        with torch.no_grad():
            change(found[len(found) // 2])
        return model

    return plant


def repeated(model: nn.Module) -> nn.Module | None:
    """One layer of two neighbours of the same shape, twice."""
    for parent in model.modules():
        names = [n for n, c in parent.named_children() if list(c.parameters())]
        for first, second in pairwise(names):
            one, other = getattr(parent, first), getattr(parent, second)
            if repr(one) == repr(other) and isinstance(parent, (nn.ModuleList, nn.Sequential)):
                setattr(parent, second, one)
                return model
    return None


def unregistered(model: nn.Module) -> nn.Module | None:
    """The first ModuleList becomes a Python list."""
    for parent in model.modules():
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ModuleList):
                delattr(parent, name)
                setattr(parent, name, list(child))
                return model
    return None


def one_too_many(layer: nn.Linear) -> None:
    layer.weight = nn.Parameter(torch.randn(layer.out_features, layer.in_features + 1))
    layer.in_features += 1


def swap_norms(model: nn.Module) -> nn.Module | None:
    """Norm and activation change places in each Sequential that has them side by side."""
    done = False
    for parent in model.modules():
        if isinstance(parent, nn.Sequential):
            for i in range(len(parent) - 1):
                if isinstance(parent[i], nn.BatchNorm2d) and isinstance(parent[i + 1], ACTIVATIONS):
                    parent[i], parent[i + 1] = parent[i + 1], parent[i]
                    done = True
                    break
    return model if done else None


def with_bias(layer: nn.Conv2d) -> nn.Module:
    if layer.bias is None:
        layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    return layer


BATCH_NORMS = nn.modules.batchnorm._BatchNorm

MISTAKES: dict[str, tuple[tuple[str, ...], str, Change]] = {
    "softmax before cross entropy": (("NN301",), CE, Softmaxed),
    "sigmoid before BCE with logits": (("NN301",), BCE, Sigmoided),
    "ReLU on the output": (("NN302",), MSE, Rectified),
    "argmax trained": (("NN306",), CE, Picked),
    "softmax over the batch": (("NN209", "NN603"), "", OverTheBatch),
    "dropout on the output": (("NN307",), CE, Dropped),
    "dropout without training=": (("NN405", "NN412"), "", AlwaysDropped),
    "samples mixed": (("NN603",), "", Mixed),
    "detached": (("NN903", "NN901"), "", Cut),
    "log of negative numbers": (("NN706",), "", Logged),
    "root of zero": (("NN703",), "", RootOfZero),
    "overwritten in place": (("NN902",), "", InPlace),
    "tensor without device": (("NN802",), "", OnTheCpu),
    "device in the forward": (("NN803",), "", Named),
    "tensor in a condition": (("NN805",), "", Asked),
    "unused layer": (("NN508", "NN509"), "", Unused),
    "unregistered tensor": (("NN502",), "", Loose),
    "unregistered layers": (("NN501",), "", Listed),
    "ModuleList as a list": (("NN501",), "", unregistered),
    "activations removed": (
        ("NN201", "NN202"),
        "",
        lambda m: replaced(m, ACTIVATIONS, lambda _: nn.Identity()),
    ),
    "sigmoid for each activation": (
        ("NN203",),
        "",
        lambda m: replaced(m, ACTIVATIONS, lambda _: nn.Sigmoid()),
    ),
    "activation twice": (
        ("NN205",),
        "",
        lambda m: replaced(m, nn.ReLU, lambda _: nn.Sequential(nn.ReLU(), nn.ReLU())),
    ),
    "dropout of everything": (("NN407",), "", changed(nn.Dropout, lambda d: setattr(d, "p", 1.0))),
    "bias before a norm": (
        ("NN401",),
        "",
        lambda m: (
            replaced(m, nn.Conv2d, with_bias)
            if any(isinstance(x, BATCH_NORMS) for x in m.modules())
            else None
        ),
    ),
    "norm after activation": (("NN402",), "", swap_norms),
    "no running statistics": (
        ("NN406", "NN603"),
        "",
        changed(
            BATCH_NORMS,
            lambda n: (setattr(n, "running_mean", None), setattr(n, "running_var", None)),
        ),
    ),
    "momentum of 1": (("NN409",), "", changed(BATCH_NORMS, lambda n: setattr(n, "momentum", 1.0))),
    "negative variance": (("NN705",), "", changed(BATCH_NORMS, lambda n: n.running_var.fill_(-1))),
    "NaN weight": (
        ("NN701",),
        "",
        changed(AFFINE, lambda x: x.weight.view(-1)[:1].fill_(torch.nan)),
    ),
    "constant weight": (("NN702",), "", changed(AFFINE, lambda x: x.weight.fill_(0.1))),
    "one layer in float64": (("NN704",), "", changed(AFFINE, lambda x: x.double())),
    "one layer on meta": (("NN801",), "", changed(AFFINE, lambda x: x.to("meta"))),
    "everything in float64": (("NN804",), "", lambda m: m.double()),
    "everything frozen": (("NN506",), "", lambda m: m.requires_grad_(False)),
    "same layer twice": (("NN504",), "", repeated),
    "wrong in_features": (("NN601", "NN600"), "", changed(nn.Linear, one_too_many)),
}
"""The codes of which one has to be found, the loss that is told, and how it is planted."""


def networks() -> Iterator[tuple[str, nn.Module, tuple[InputSpec, ...]]]:
    """The bundled networks that work, and some of torch's own."""
    for card in (card for each in collections() for card in each.cards):
        if not card.twin_of and card.name != "activations-zoo":
            yield card.name, _built(card), card.inputs
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    sequence = (InputSpec((2, 6, 16)),)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    yield "torch encoder", encoder, sequence
    yield from hand_made()
    yield from of_transformers()


def sibling(path: str) -> Any:
    """A test module of another folder: they are no packages."""
    file = Path(__file__).parents[1] / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # a dataclass looks there
    spec.loader.exec_module(module)
    return module


def hand_made() -> Iterator[tuple[str, nn.Module, tuple[InputSpec, ...]]]:
    """Some of the healthy networks, as users write them."""
    known = sibling("doctor/test_healthy_networks.py").NETWORKS
    for name in HAND_MADE:
        file, _, kind = name.partition(":")
        made = getattr(sibling(f"data/healthy/{file}.py"), kind)()
        yield name, made, tuple(map(parse_input, known[name][0].split()))


def of_transformers() -> Iterator[tuple[str, nn.Module, tuple[InputSpec, ...]]]:
    """Tiny ones, with the input that is guessed for them; none without the library."""
    if importlib.util.find_spec("transformers") is None:
        return
    corpus = sibling("corpus/test_transformers.py")
    for name, config, kind in corpus.architectures():
        model = corpus.tiny_model(config, kind) if name in OF_TRANSFORMERS else None
        if model is not None:
            loaded = Loaded(model.eval(), None, None, 0.0)
            chosen = choose_inputs(loaded, Setup(target=name), torch.device("cpu"), quiet)
            yield f"transformers {name}", model, chosen[0]


def _built(card: ModelCard) -> nn.Module:
    module, _, name = card.factory.partition(":")
    model: nn.Module = getattr(import_module(module), name)()
    return model


def codes(model: nn.Module, inputs: tuple[InputSpec, ...], loss: str) -> set[str]:
    """Everything that is found, whatever its severity."""
    bare = Evidence(
        setup=Setup(target="net.py:Net", inputs=inputs),
        plan=CheckPlan(seconds=SECONDS),
        deadline=Deadline(SECONDS),
        source=Source(),
        loss=loss,
    )
    evidence = of_model(bare, Loaded(model, None, None, 0.0), torch.device("cpu"), quiet)
    return {finding.code for finding in run_rules(all_rules(), evidence, quiet).findings}


def quiet(stage: str, fraction: float | None) -> None:
    """Hears of progress and tells nobody."""


@pytest.mark.filterwarnings("ignore")
def test_planted_mistakes_are_found() -> None:
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    torch.manual_seed(0)
    for name, model, inputs in networks():
        known: dict[str, set[str]] = {}
        for mistake, (wanted, loss, plant) in MISTAKES.items():
            mutant = plant(copy.deepcopy(model))
            if mutant is None:
                continue
            if loss not in known:
                known[loss] = codes(copy.deepcopy(model), inputs, loss)
            planted[mistake] += 1
            new = codes(mutant, inputs, loss) - known[loss]
            if new.intersection(wanted):
                found[mistake] += 1
            else:
                print(f"  missed: {mistake} in {name}; new: {sorted(new)}")
    for mistake, count in planted.items():
        print(f"{mistake:<32}{found[mistake]:>4} of {count}")
    share = found.total() / planted.total()
    print(f"{found.total()} of {planted.total()} found ({share:.1%}), {len(planted)} kinds")
    assert share >= AIM
