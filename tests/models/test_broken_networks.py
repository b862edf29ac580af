"""The broken twins: each goes wrong exactly as its card says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Build = Callable[..., nn.Module]


def first_layer_gradient(network: nn.Module) -> float:
    torch.manual_seed(1)
    x, target = torch.randn(64, 784), torch.randint(10, (64,))
    F.cross_entropy(network(x), target).backward()
    gradient = network.get_parameter("hidden_layers.0.weight").grad
    assert gradient is not None
    return gradient.norm().item()


def test_stacked_linear_layers_equal_one_affine_map(build: Build) -> None:
    broken, twin = build("broken-linear-stack"), build("mlp-module")
    offset = broken(torch.zeros(1, 784))
    matrix = broken(torch.eye(784)) - offset
    x = torch.randn(16, 784)
    torch.testing.assert_close(broken(x), x @ matrix + offset, rtol=1e-4, atol=1e-4)
    twin_offset = twin(torch.zeros(1, 784))
    assert not torch.allclose(
        twin(x), x @ (twin(torch.eye(784)) - twin_offset) + twin_offset, atol=1e-2
    )


def test_sigmoids_shrink_the_first_gradient_by_more_the_deeper_the_network(build: Build) -> None:
    ratios = [
        first_layer_gradient(build("mlp-modulelist", depth=depth))
        / first_layer_gradient(build("broken-sigmoid-hidden", depth=depth))
        for depth in (3, 8)
    ]
    assert ratios[0] > 10
    assert ratios[1] > 1_000


def test_a_relu_on_the_output_never_gives_a_negative_value(build: Build) -> None:
    x = torch.randn(256, 8)
    broken, twin = build("broken-relu-output")(x), build("regressor")(x)
    assert (twin < 0).any()
    assert torch.equal(broken, twin.clamp(min=0))


def test_a_negative_value_under_the_output_relu_teaches_nothing(build: Build) -> None:
    network = build("broken-relu-output")
    x = torch.randn(256, 8)
    cut_off = x[(build("regressor")(x) < 0).squeeze(1)]
    F.mse_loss(network(cut_off), -torch.ones(len(cut_off), 1)).backward()
    assert all(not parameter.grad.any() for parameter in network.parameters())


def test_softmax_in_forward_returns_probabilities(build: Build) -> None:
    output = build("broken-softmax-ce")(torch.randn(8, 1, 28, 28))
    torch.testing.assert_close(output.sum(dim=1), torch.ones(8))


def test_softmax_before_cross_entropy_takes_the_gradient_of_a_sure_mistake(build: Build) -> None:
    gradients = []
    for name in ("classifier", "broken-softmax-ce"):
        network = build(name)
        bias = network.get_parameter("layers.3.bias")
        with torch.no_grad():
            bias[0] = 20.0
        logits = network(torch.zeros(1, 1, 28, 28))
        F.cross_entropy(logits, torch.tensor([1])).backward()
        gradients.append(bias.grad.abs().max().item())
    good, broken = gradients
    assert good > 0.9
    assert broken < 1e-6


def test_softmax_before_cross_entropy_leaves_a_loss_that_cannot_reach_zero() -> None:
    sure_and_right = F.one_hot(torch.tensor([3]), 10).float()
    assert F.cross_entropy(sure_and_right, torch.tensor([3])) > 1.46


def test_cross_entropy_over_one_output_is_zero_and_so_is_its_gradient(build: Build) -> None:
    network = build("broken-regression-ce")
    x, target = torch.randn(32, 8), torch.randn(32, 1)
    loss = network.loss(network(x), target)
    loss.backward()
    assert loss == 0
    assert all(not parameter.grad.any() for parameter in network.parameters())
    assert build("regressor").loss(network(x), target) > 0


def test_squared_error_charges_more_for_sure_and_right_than_for_wrong(build: Build) -> None:
    target = torch.tensor([0])
    sure_and_right = torch.tensor([[5.0, 0.0, 0.0]])
    a_little_wrong = torch.tensor([[0.4, 0.6, 0.0]])
    squared, twin = build("broken-classification-mse"), build("classifier")
    assert squared.loss(sure_and_right, target) > squared.loss(a_little_wrong, target)
    assert twin.loss(sure_and_right, target) < twin.loss(a_little_wrong, target)


def test_bce_refuses_a_logit(build: Build) -> None:
    network = build("broken-bce-logits")
    x, target = 3 * torch.randn(64, 30), torch.ones(64, 1)
    with pytest.raises(RuntimeError, match="all elements of input should be between 0 and 1"):
        network.loss(network(x), target)
    assert build("binary-classifier").loss(network(x), target).isfinite()


def test_a_second_sigmoid_never_believes_a_no(build: Build) -> None:
    probability = build("broken-double-sigmoid")(10 * torch.randn(256, 30))
    assert ((probability > 0) & (probability < 1)).all()
    believed = torch.sigmoid(probability)
    assert believed.min() > 0.5
    assert believed.max() < 0.7311


@pytest.mark.parametrize(("answer", "least"), [(0.0, 0.69), (1.0, 0.31)], ids=["no", "yes"])
def test_a_second_sigmoid_leaves_a_loss_that_cannot_reach_zero(
    answer: float, least: float, build: Build
) -> None:
    sure = torch.full((1, 1), answer)
    assert build("broken-double-sigmoid").loss(sure, sure) > least
    assert build("binary-classifier").loss(40 * sure - 20, sure) < 1e-6


def test_layers_in_a_python_list_are_not_registered(build: Build) -> None:
    broken, twin = build("broken-python-list"), build("mlp-modulelist")
    assert sum(parameter.numel() for parameter in broken.parameters()) == 128 * 10 + 10
    assert {name for name, _ in broken.named_parameters()} == {"output.weight", "output.bias"}
    assert set(twin.state_dict()) - set(broken.state_dict()) == {
        f"hidden_layers.{layer}.{part}" for layer in range(3) for part in ("weight", "bias")
    }
    x = torch.randn(2, 784)
    assert torch.equal(broken(x), twin(x))


def test_layers_in_a_python_list_stay_behind_when_the_model_is_moved(build: Build) -> None:
    moved = build("broken-python-list").to(torch.float64)
    with pytest.raises(RuntimeError, match="same dtype"):
        moved(torch.randn(1, 784, dtype=torch.float64))


def test_a_module_without_super_init_cannot_be_built(build: Build) -> None:
    message = r"cannot assign module before Module\.__init__\(\) call"
    with pytest.raises(AttributeError, match=message):
        build("broken-no-super")


def test_a_shortcut_in_a_sequential_gets_the_output_of_the_block(build: Build) -> None:
    network = build("broken-sequential-skip").eval()
    stem, stage1 = network.get_submodule("stem"), network.get_submodule("stage1")
    x = torch.randn(1, 3, 32, 32)
    assert stage1(stem(x)).shape == (1, 16, 32, 32)
    message = r"expected input\[1, 32, 16, 16\] to have 16 channels, but got 32 channels"
    with pytest.raises(RuntimeError, match=message):
        network(x)


def test_shapes_that_do_not_meet_are_named_in_the_error(build: Build) -> None:
    network = build("broken-shapes").eval()
    message = r"mat1 and mat2 shapes cannot be multiplied \(1x1568 and 6272x10\)"
    with pytest.raises(RuntimeError, match=message):
        network(torch.randn(1, 1, 28, 28))


def changed_answers(network: nn.Module) -> Tensor:
    """For each of four samples, whether its output changes when the first sample does."""
    x = torch.randn(4, 28, 28)
    other = x.clone()
    other[0] = torch.randn(28, 28)
    return (network(x) != network(other)).any(dim=1)


def test_a_batch_taken_for_time_mixes_the_samples(build: Build) -> None:
    assert changed_answers(build("broken-batch")).tolist() == [True, True, True, True]
    assert changed_answers(build("rnn-tanh")).tolist() == [True, False, False, False]


def test_a_batch_taken_for_time_looks_at_the_last_row_only(build: Build) -> None:
    x = torch.randn(4, 28, 28)
    other = torch.randn(4, 28, 28)
    other[:, -1] = x[:, -1]
    assert torch.equal(build("broken-batch")(x), build("broken-batch")(other))
    assert not torch.equal(build("rnn-tanh")(x), build("rnn-tanh")(other))


def block_parts(network: nn.Module) -> list[type[nn.Module]]:
    return [type(part) for part in network.get_submodule("block1")]


def test_the_norm_stands_after_the_relu_where_the_twin_has_it_before(build: Build) -> None:
    assert block_parts(build("broken-norm-order")) == [
        nn.Conv2d,
        nn.ReLU,
        nn.BatchNorm2d,
        nn.MaxPool2d,
    ]
    assert block_parts(build("cnn-hybrid")) == [
        nn.Conv2d,
        nn.BatchNorm2d,
        nn.ReLU,
        nn.MaxPool2d,
    ]


def test_a_norm_after_the_relu_sees_no_negative_value_and_gives_some(build: Build) -> None:
    x = torch.randn(8, 3, 32, 32)
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    for name in ("broken-norm-order", "cnn-hybrid"):
        block = build(name).get_submodule("block1")
        norm = next(part for part in block if isinstance(part, nn.BatchNorm2d))
        norm.register_forward_pre_hook(lambda _m, args, name=name: inputs.update({name: args[0]}))
        outputs[name] = block(x)
    assert inputs["broken-norm-order"].min() == 0
    assert inputs["cnn-hybrid"].min() < 0
    assert outputs["broken-norm-order"].min() < 0
    assert outputs["cnn-hybrid"].min() >= 0


def test_a_misspelt_layer_cannot_be_built(build: Build) -> None:
    with pytest.raises(AttributeError, match=r"module 'torch\.nn' has no attribute 'Conv2D'"):
        build("broken-names")


def test_running_a_cell_of_two_classes_again_makes_a_stranger_of_a_model_built_before() -> None:
    from nninspect_models.broken_notebook import code_cells, run

    cells = code_cells()
    namespace = run(cells)
    run([cells[1].replace("One affine map", "An edited affine map")], namespace)
    assert not isinstance(namespace["model"], namespace["MLP"])


def test_with_one_class_a_cell_an_edit_of_the_other_class_leaves_it_alone() -> None:
    from nninspect_models.broken_notebook import code_cells, run

    imports, both, use = code_cells()
    first, _, second = both.partition("# mistake: ")
    second = f"# {second}"
    namespace = run([imports, first, second, use])
    run([second.replace("One affine map", "An edited affine map")], namespace)
    assert isinstance(namespace["model"], namespace["MLP"])
