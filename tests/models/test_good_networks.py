"""The good networks, against shapes and parameter counts worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from nninspect.plugin import collections

Build = Callable[..., nn.Module]
Run = Callable[..., object]

CARDS = next(found.cards for found in collections() if found.name == "bundled")
GOOD = [card.name for card in CARDS if not card.twin_of]
TRAINED = [card.name for card in CARDS if card.loss and not card.twin_of]

each_network = pytest.mark.parametrize("name", GOOD)

OUTPUT_OF_ONE_SAMPLE: dict[str, tuple[int, ...] | dict[str, tuple[int, ...]]] = {
    "mlp-sequential": (1, 10),
    "mlp-named": (1, 10),
    "mlp-module": (1, 10),
    "mlp-functional": (1, 10),
    "mlp-modulelist": (1, 10),
    "cnn-hybrid": (1, 10),
    "cnn-digits": (1, 10),
    "resnet-small": (1, 10),
    "inception-block": (1, 10),
    "transformer-encoder": (1, 4),
    "rnn-tanh": (1, 10),
    "activations-zoo": {"brake": (1, 1), "steering": (1, 1), "sign": (1, 4)},
    "two-inputs": (1, 3),
    "regressor": (1, 1),
    "binary-classifier": (1, 1),
    "classifier": (1, 10),
}

MLP = (784 * 128 + 128) + (128 * 128 + 128) + (128 * 10 + 10)
"""Weights and biases of 784 -> 128 -> 128 -> 10."""

# A convolution without bias has C_in * C_out * k * k weights; a norm has a scale and a shift
# for each of its channels.
PARAMETERS = {
    "mlp-sequential": MLP,
    "mlp-named": MLP,
    "mlp-module": MLP,
    "mlp-functional": MLP,
    "mlp-modulelist": MLP + (128 * 128 + 128),
    "cnn-hybrid": (
        (3 * 16 * 9 + 2 * 16)
        + (16 * 32 * 9 + 2 * 32)
        + (32 * 64 * 9 + 2 * 64)
        + (64 * 4 * 4 * 10 + 10)
    ),
    "cnn-digits": (1 * 16 * 9 + 2 * 16) + (16 * 32 * 9 + 2 * 32) + (32 * 7 * 7 * 10 + 10),
    "resnet-small": (
        (3 * 16 * 9 + 2 * 16)  # stem
        + 4 * (16 * 16 * 9 + 2 * 16)  # stage 1: two blocks of two convolutions
        + (16 * 32 * 9 + 2 * 32)  # stage 2: its first convolution,
        + 3 * (32 * 32 * 9 + 2 * 32)  # the three others,
        + (16 * 32 * 1 + 2 * 32)  # and its projection
        + (32 * 64 * 9 + 2 * 64)  # stage 3, likewise
        + 3 * (64 * 64 * 9 + 2 * 64)
        + (32 * 64 * 1 + 2 * 64)
        + (64 * 10 + 10)  # classifier
    ),
    "inception-block": (
        (3 * 16 * 9 + 2 * 16)  # stem
        + 4 * (16 * 16 * 1 + 2 * 16)  # a 1x1 convolution in each branch
        + (16 * 16 * 9 + 2 * 16)  # the 3x3 one
        + (16 * 16 * 25 + 2 * 16)  # the 5x5 one
        + (64 * 10 + 10)  # classifier
    ),
    "transformer-encoder": (
        100 * 32  # embedding
        + 64 * 32  # positions
        + 2  # blocks, each of:
        * (
            2 * (2 * 32)  # two norms
            + (32 * 96 + 96)  # queries, keys and values
            + (32 * 32 + 32)  # what attention gives back
            + (32 * 128 + 128)
            + (128 * 32 + 32)  # feed-forward
        )
        + 2 * 32  # norm
        + (32 * 4 + 4)  # classifier
    ),
    "rnn-tanh": (28 * 64 + 64 * 64 + 64 + 64) + (64 * 10 + 10),
    "activations-zoo": (16 * 32 + 32) + (32 * 1 + 1) + (32 * 1 + 1) + (32 * 4 + 4),
    "two-inputs": (1 * 16 * 9 + 2 * 16) + (8 * 16 + 16) + (32 * 3 + 3),
    "regressor": (8 * 64 + 64) + (64 * 64 + 64) + (64 * 1 + 1),
    "binary-classifier": (30 * 32 + 32) + (32 * 1 + 1),
    "classifier": (784 * 128 + 128) + (128 * 10 + 10),
}

LAYER_OUTPUTS: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp-sequential": {"0": (2, 128), "1": (2, 128), "2": (2, 128), "3": (2, 128), "4": (2, 10)},
    "mlp-named": {
        "input": (2, 128),
        "relu1": (2, 128),
        "hidden": (2, 128),
        "relu2": (2, 128),
        "output": (2, 10),
    },
    "mlp-modulelist": {f"hidden_layers.{i}": (2, 128) for i in range(3)} | {"output": (2, 10)},
    "cnn-hybrid": {
        "block1": (2, 16, 16, 16),
        "block1.0": (2, 16, 32, 32),
        "block2": (2, 32, 8, 8),
        "block3": (2, 64, 4, 4),
        "flatten": (2, 1024),
        "classifier": (2, 10),
    },
    "cnn-digits": {
        "conv1": (2, 16, 28, 28),
        "norm1": (2, 16, 28, 28),
        "relu1": (2, 16, 28, 28),
        "pool1": (2, 16, 14, 14),
        "conv2": (2, 32, 14, 14),
        "norm2": (2, 32, 14, 14),
        "relu2": (2, 32, 14, 14),
        "pool2": (2, 32, 7, 7),
        "flatten": (2, 1568),
        "dropout": (2, 1568),
        "classifier": (2, 10),
    },
    "resnet-small": {
        "stem": (2, 16, 32, 32),
        "stem.conv": (2, 16, 32, 32),
        "stage1": (2, 16, 32, 32),
        "stage1.0.shortcut": (2, 16, 32, 32),
        "stage2": (2, 32, 16, 16),
        "stage2.0.residual": (2, 32, 16, 16),
        "stage2.0.shortcut": (2, 32, 16, 16),
        "stage3": (2, 64, 8, 8),
        "pool": (2, 64, 1, 1),
        "flatten": (2, 64),
        "classifier": (2, 10),
    },
    "inception-block": {
        "stem": (2, 16, 32, 32),
        "inception.branch1": (2, 16, 32, 32),
        "inception.branch3": (2, 16, 32, 32),
        "inception.branch5": (2, 16, 32, 32),
        "inception.branch_pool": (2, 16, 32, 32),
        "inception": (2, 64, 32, 32),
        "flatten": (2, 64),
    },
    "transformer-encoder": {
        "embedding": (2, 16, 32),
        "blocks.0.attention.to_qkv": (2, 16, 96),
        "blocks.0.attention": (2, 16, 32),
        "blocks.0.feed_forward.0": (2, 16, 128),
        "blocks.1": (2, 16, 32),
        "norm": (2, 16, 32),
        "classifier": (2, 4),
    },
    "two-inputs": {
        "image_branch.0": (2, 16, 14, 14),
        "image_branch": (2, 16),
        "feature_branch": (2, 16),
        "classifier": (2, 3),
    },
}

SETTINGS = [
    ("mlp-sequential", {"hidden": 64}, (784 * 64 + 64) + (64 * 64 + 64) + (64 * 10 + 10)),
    ("mlp-modulelist", {"depth": 5}, MLP + 3 * (128 * 128 + 128)),
    ("mlp-module", {"in_features": 784, "classes": 3}, MLP - 7 * (128 + 1)),
    ("cnn-digits", {"width": 8}, 8 * 9 + 16 + 8 * 16 * 9 + 32 + 16 * 49 * 10 + 10),
    (
        "resnet-small",
        {"blocks": 3},  # one more block of two convolutions in each stage
        PARAMETERS["resnet-small"] + 2 * (16 * 16 * 9 + 32 + 32 * 32 * 9 + 64 + 64 * 64 * 9 + 128),
    ),
    (
        "transformer-encoder",
        {"depth": 1, "vocabulary": 50},
        PARAMETERS["transformer-encoder"]
        - 50 * 32
        - (128 + 32 * 96 + 96 + 32 * 32 + 32 + 32 * 128 + 128 + 128 * 32 + 32),
    ),
    ("classifier", {"hidden": 32}, (784 * 32 + 32) + (32 * 10 + 10)),
]


def tensors(output: object) -> list[Tensor]:
    values = output.values() if isinstance(output, dict) else [output]
    assert all(isinstance(value, Tensor) for value in values)
    return list(values)


def shape_of(output: object) -> object:
    if isinstance(output, dict):
        return {key: tuple(value.shape) for key, value in output.items()}
    return tuple(tensors(output)[0].shape)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def layer_outputs(network: nn.Module, call: Callable[[], object]) -> dict[str, tuple[int, ...]]:
    """The output shape of every layer that gave one tensor, as it ran."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(path: str, _module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[path] = tuple(output.shape)

    for path, module in network.named_modules():
        module.register_forward_hook(partial(note, path))
    call()
    return shapes


@each_network
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_one_sample_gives_a_finite_output_of_the_documented_shape(
    name: str, training: bool, build: Build, run: Run
) -> None:
    output = run(name, build(name).train(training))
    assert shape_of(output) == OUTPUT_OF_ONE_SAMPLE[name]
    assert all(tensor.isfinite().all() for tensor in tensors(output))


@each_network
@pytest.mark.parametrize("batch", [3, 64])
def test_the_batch_size_changes_the_first_dimension_and_nothing_else(
    name: str, batch: int, build: Build, run: Run
) -> None:
    outputs = tensors(run(name, build(name).eval(), batch))
    one = tensors(run(name, build(name).eval()))
    assert [output.shape for output in outputs] == [(batch, *first.shape[1:]) for first in one]


@each_network
def test_a_sample_does_not_depend_on_its_neighbours(
    name: str, build: Build, run: Run, inputs: Callable[..., dict[str, Tensor]]
) -> None:
    network = build(name).eval()
    given, others = inputs(name, 3), inputs(name, 3)
    changed = {key: torch.cat([others[key][:1], given[key][1:]]) for key in given}
    before = tensors(run(name, network, given=given))
    after = tensors(run(name, network, given=changed))
    for old, new in zip(before, after, strict=True):
        assert not torch.allclose(old[0], new[0])
        torch.testing.assert_close(old[1:], new[1:])


@each_network
def test_the_parameters_are_as_many_as_counted_by_hand(name: str, build: Build) -> None:
    assert count(build(name)) == PARAMETERS[name]


@pytest.mark.parametrize(("name", "settings", "parameters"), SETTINGS)
def test_a_setting_changes_the_size_as_computed(
    name: str, settings: dict[str, int], parameters: int, build: Build
) -> None:
    assert count(build(name, **settings)) == parameters


def test_the_small_resnet_has_the_parameters_that_the_readers_are_promised(build: Build) -> None:
    assert count(build("resnet-small")) == 175_258


@pytest.mark.parametrize("name", LAYER_OUTPUTS)
def test_layers_give_the_shapes_worked_out_by_hand(name: str, build: Build, run: Run) -> None:
    network = build(name).eval()
    shapes = layer_outputs(network, lambda: run(name, network, 2))
    expected = LAYER_OUTPUTS[name]
    assert {path: shapes[path] for path in expected} == expected


@each_network
def test_every_leaf_is_called_in_a_forward(name: str, build: Build, run: Run) -> None:
    network = build(name).eval()
    called: set[nn.Module] = set()
    leaves = {module for module in network.modules() if not list(module.children())}
    for leaf in leaves:
        leaf.register_forward_hook(lambda module, _i, _o: called.add(module))
    run(name, network)
    assert called == leaves


@pytest.mark.parametrize("name", TRAINED)
def test_the_loss_sends_a_gradient_to_every_parameter(
    name: str, build: Build, run: Run, loss_of: Callable[[str, Tensor], Tensor]
) -> None:
    network = build(name).train()
    output = run(name, network, 8)
    assert isinstance(output, Tensor)
    loss_of(name, output).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        assert parameter.grad.abs().sum() > 0, path


@each_network
def test_a_network_runs_on_the_meta_device(name: str, build: Build, run: Run) -> None:
    with torch.device("meta"):
        output = run(name, build(name).eval(), 2)
    assert all(tensor.is_meta and tensor.shape[0] == 2 for tensor in tensors(output))


def test_the_functional_perceptron_equals_the_one_of_modules(build: Build) -> None:
    as_module, functional = build("mlp-module"), build("mlp-functional", hidden=128)
    for parameter in as_module.parameters():
        nn.init.normal_(parameter)
    functional.load_state_dict(as_module.state_dict())
    x = torch.randn(4, 784)
    assert torch.equal(as_module(x), functional(x))


def test_the_same_seed_gives_four_equal_perceptrons(build: Build) -> None:
    x = torch.randn(4, 784)
    names = ("mlp-sequential", "mlp-named", "mlp-module", "mlp-functional")
    first, *others = (build(name)(x) for name in names)
    assert all(torch.equal(first, other) for other in others)


def test_layers_are_reached_by_index_and_by_name(build: Build) -> None:
    by_index, by_name = build("mlp-sequential"), build("mlp-named")
    assert isinstance(by_index, nn.Sequential)
    assert torch.equal(by_index[4].weight, by_name.get_submodule("output").weight)


def test_a_residual_block_adds_its_input(build: Build) -> None:
    block = build("resnet-small").eval().get_submodule("stage1.0")
    for parameter in block.get_submodule("residual").parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(2, 16, 8, 8)
    assert torch.equal(block(x), x)


def test_each_activation_of_the_zoo_keeps_its_range(build: Build) -> None:
    output = build("activations-zoo").eval()(5 * torch.randn(64, 16))
    assert ((output["brake"] > 0) & (output["brake"] < 1)).all()
    assert ((output["steering"] > -1) & (output["steering"] < 1)).all()
    assert (output["steering"] < 0).any()
    torch.testing.assert_close(output["sign"].sum(dim=1), torch.ones(64))


def test_tokens_are_told_apart_by_their_position(build: Build) -> None:
    network = build("transformer-encoder").eval()
    forwards, backwards = torch.tensor([[1, 2, 3]]), torch.tensor([[3, 2, 1]])
    assert not torch.allclose(network(forwards), network(backwards))


def test_predictions_are_probabilities(build: Build) -> None:
    classes = build("classifier").predict(torch.randn(4, 1, 28, 28))
    torch.testing.assert_close(classes.sum(dim=1), torch.ones(4))
    yes = build("binary-classifier").predict(torch.randn(4, 30))
    assert ((yes > 0) & (yes < 1)).all()
