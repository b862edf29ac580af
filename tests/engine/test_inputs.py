"""The inputs a model is run with: given, the card's, or guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nninspect.engine.choose_inputs import check_against_forward
from nninspect.engine.guess import guess_inputs
from nninspect.engine.guessing.arguments import required_arguments
from nninspect.engine.guessing.search import MAX_TRIES
from nninspect.engine.inputs import dtype_named, make_arguments, with_each
from nninspect.engine.load import Loaded
from nninspect.errors import BadInput
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import format_input, parse_input

Look = Callable[..., Any]
CPU = torch.device("cpu")


def made(*specs: InputSpec) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    return make_arguments(specs, CPU)


def one(*given: Any, **more: Any) -> Tensor:
    return made(InputSpec(*given, **more))[0][0]


def refusal(action: Callable[..., Any], *args: Any, **kwargs: Any) -> BadInput:
    with pytest.raises(BadInput) as caught:
        action(*args, **kwargs)
    return caught.value


class Net(nn.Module):
    """`forward` is set by the test."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


# Making tensors


def test_inputs_go_by_position_or_by_name() -> None:
    args, kwargs = made(InputSpec((2, 3)), InputSpec((4,), name="mask", dtype="bool"))
    assert [tuple(tensor.shape) for tensor in args] == [(2, 3)]
    assert kwargs["mask"].dtype == torch.bool


def test_the_same_specs_make_the_same_values() -> None:
    assert torch.equal(one((2, 3)), one((2, 3)))


def test_making_inputs_uses_no_random_numbers_of_the_users() -> None:
    before = torch.get_rng_state()
    made(InputSpec((2, 3)), InputSpec((2,), "int64"), InputSpec((2,), "float32", low=0, high=1))
    assert torch.equal(before, torch.get_rng_state())


def test_integers_are_within_their_range() -> None:
    values = one((10_000,), "int64", low=3, high=7)
    assert set(values.tolist()) == {3, 4, 5, 6}
    assert set(one((1000,), "uint8").tolist()) == {0, 1}
    assert set(one((1000,), "int64", low=5).tolist()) == {5, 6}
    assert set(one((1000,), "int64", low=0.5, high=2.5).tolist()) == {1, 2}


def test_floats_are_normal_or_uniform_in_their_range() -> None:
    values = one((10_000,), low=-1.0, high=3.0)
    assert -1 <= values.min() < -0.9
    assert 2.9 < values.max() < 3
    assert abs(one((10_000,)).mean()) < 0.1


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float64", "complex64", "bool", "int8", "float8_e4m3fn"]
)
def test_every_dtype_can_be_made(dtype: str) -> None:
    assert one((2, 3), dtype).dtype == dtype_named(dtype)


def test_a_scalar_has_no_dimensions() -> None:
    assert one(()).shape == ()
    assert InputSpec(()).with_batch(8).shape == ()


def test_a_default_device_or_dtype_of_the_users_changes_no_input() -> None:
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float64)
    try:
        tensors = [one((2,)), one((2,), "int64"), one((2,), low=0, high=1)]
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
    assert [str(tensor.device) for tensor in tensors] == ["cpu"] * 3
    assert tensors[2].dtype == torch.float32


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec((2,), "int64", low=3, high=3), "no integer in the range"),
        (InputSpec((2,), "int64", low=0.2, high=0.9), "no integer in the range"),
        (InputSpec((2,), "uint8", low=0, high=300), "uint8 can't hold the range"),
        (InputSpec((2,), "int8", low=-200, high=3), "int8 can't hold the range"),
        (InputSpec((10**9, 10**9)), "can't be made"),
        (InputSpec((10**30,)), "can't be made"),
        (InputSpec((2,), "quint8", low=0, high=2), ""),
        (InputSpec((2,), "floaty"), "'floaty' is not a dtype"),
        (InputSpec((2,), "Tensor"), "'Tensor' is not a dtype"),
    ],
)
def test_what_cannot_be_made_is_a_bad_input(spec: InputSpec, message: str) -> None:
    error = refusal(made, spec)
    assert message in error.message
    assert error.hint


# Checking what was given


def test_a_wrong_name_suggests_the_right_one() -> None:
    model = Net()
    model.forward = lambda image, features: image  # type: ignore[method-assign]
    error = refusal(check_against_forward, model, [InputSpec((1,), name="imag")])
    assert error.message == "the forward of Net takes no argument imag"
    assert error.hint == "Did you mean image?"
    error = refusal(check_against_forward, model, [InputSpec((1,), name="xyzzy")])
    assert error.hint == "It takes image, features"


def test_too_few_or_too_many_say_what_to_type() -> None:
    model = Net()
    model.forward = lambda image, features: image  # type: ignore[method-assign]
    error = refusal(check_against_forward, model, [InputSpec((1, 3))])
    assert "can't be called with --input 1x3" in error.message
    assert "missing a required argument: 'features'" in error.message
    assert error.hint.endswith("--input image=1x… --input features=1x…")
    refusal(check_against_forward, model, [InputSpec((1,))] * 3)


def test_a_name_given_twice_is_refused() -> None:
    specs = [InputSpec((1,), name="x"), InputSpec((2,), name="x")]
    assert refusal(check_against_forward, nn.Identity(), specs).message == (
        "the input x is given twice"
    )


def test_any_name_goes_where_forward_takes_any() -> None:
    model = Net()
    model.forward = lambda *args, **kwargs: None  # type: ignore[method-assign]
    check_against_forward(model, [InputSpec((1,)), InputSpec((1,)), InputSpec((1,), name="any")])


def test_an_empty_batch_is_refused(look: Look) -> None:
    assert "a batch of 0" in refusal(look, nn.Linear(2, 2), batch=0).message


@pytest.mark.parametrize(("names", "kind"), [(("x.0", "x.1"), tuple), (("x[1]", "x[0]"), list)])
def test_numbered_entries_are_a_tuple_or_a_list(names: tuple[str, ...], kind: type) -> None:
    specs = [InputSpec((size,), name=name) for size, name in enumerate(names, 1)]
    _, kwargs = make_arguments(specs, torch.device("cpu"))
    assert type(kwargs["x"]) is kind
    assert sorted(len(one) for one in kwargs["x"]) == [1, 2]
    doubled = with_each(((), kwargs), lambda one: one * 2)[1]["x"]
    assert type(doubled) is kind
    assert torch.equal(doubled[0], kwargs["x"][0] * 2)


# Choosing


def test_given_inputs_come_before_the_cards(opened: Callable[..., Loaded], look: Look) -> None:
    seen = look(nn.Linear(4, 2), InputSpec((5, 4)))
    assert seen.inspection.inputs_from == "given"
    assert seen.inspection.batch == 5


def test_the_batch_replaces_that_of_every_input(look: Look) -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, b: Tensor, scale: Tensor) -> Tensor:
            return a.sum(1) + b.transpose(0, 1).sum(1) * scale

    specs = InputSpec((1, 3)), InputSpec((4, 1), batch_dim=1), InputSpec((), name="scale")
    seen = look(Two(), *specs, batch=7)
    assert [spec.shape for spec in seen.inspection.inputs] == [(7, 3), (4, 7), ()]
    assert seen.inspection.failure is None
    assert seen.inspection.batch == 7


def test_float_inputs_follow_the_models_dtype(look: Look) -> None:
    seen = look(nn.Linear(4, 2).double(), InputSpec((1, 4)))
    assert seen.inspection.failure is None
    assert seen.inspection.inputs[0].dtype == "float64"
    assert look(nn.Linear(4, 2).double()).inspection.failure is None


# Guessing


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(4, 2), (1, 4)),
        (nn.Conv1d(3, 2, 3), (1, 3, 128)),
        (nn.Conv2d(3, 2, 3), (1, 3, 32, 32)),
        (nn.Conv3d(1, 2, 3), (1, 1, 16, 16, 16)),
        (nn.ConvTranspose1d(3, 2, 3), (1, 3, 128)),
        (nn.ConvTranspose2d(3, 2, 3), (1, 3, 32, 32)),
        (nn.ConvTranspose3d(3, 2, 3), (1, 3, 16, 16, 16)),
        (nn.Embedding(10, 4), (1, 16)),
        (nn.EmbeddingBag(10, 4), (1, 16)),
        (nn.RNN(5, 2), (16, 1, 5)),
        (nn.LSTM(5, 2, batch_first=True), (1, 16, 5)),
        (nn.GRU(5, 2), (16, 1, 5)),
        (nn.RNNCell(5, 2), (1, 5)),
        (nn.LSTMCell(5, 2), (1, 5)),
        (nn.LayerNorm(6), (1, 6)),
        (nn.LayerNorm((4, 6)), (1, 4, 6)),
        (nn.RMSNorm(6), (1, 6)),
        (nn.BatchNorm1d(6), (2, 6)),
        (nn.BatchNorm2d(6), (1, 6, 32, 32)),
        (nn.BatchNorm3d(6), (1, 6, 16, 16, 16)),
        (nn.InstanceNorm1d(6, affine=True), (1, 6, 128)),
        (nn.InstanceNorm2d(6, affine=True), (1, 6, 32, 32)),
        (nn.GroupNorm(2, 6), (1, 6, 32, 32)),
        (nn.TransformerEncoderLayer(8, 2), (1, 16, 8)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_every_kind_of_first_layer_gives_an_input_that_runs(
    layer: nn.Module, shape: tuple[int, ...], training: bool, look: Look
) -> None:
    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dropout = nn.Dropout()
            self.first = layer

        def forward(self, x: Tensor) -> Any:
            return self.first(x)

    seen = look(First(), training=training)
    assert seen.inspection.failure is None
    assert seen.inspection.inputs[0].shape == shape
    assert seen.inspection.inputs_from.startswith("guessed from first")


@pytest.mark.parametrize("side", [28, 32, 64, 96, 224])
def test_the_side_that_fits_a_flattened_image_is_found(side: int, look: Look) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 2, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * (side // 2) ** 2, 2),
    )
    seen = look(model)
    assert seen.inspection.failure is None
    assert seen.inspection.inputs[0].shape == (1, 3, side, side)


def test_a_guess_that_never_fits_is_shown_with_its_failure(look: Look) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(7, 2))
    seen = look(model)
    assert re.search(r"; none of \d+ guesses ran: 1x3x32x32, 1x3", seen.inspection.inputs_from)
    assert seen.inspection.failure.where == "2"
    hint = seen.inspection.failure.hint
    assert hint.startswith("2 (Linear) expects in_features=7")
    assert "The input is a guess, --input 1x3x" in hint
    given = look(model, InputSpec((1, 3, 32, 32))).inspection.failure
    assert given.hint.startswith("2 (Linear) expects in_features=7")


def test_of_a_mistake_that_no_input_would_mend_the_guess_is_not_blamed(look: Look) -> None:
    class Empty(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = None

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x)  # type: ignore[misc]

    failure = look(Empty()).inspection.failure
    assert failure.hint == "self.head is None: set it in __init__ before it is used."


def test_what_fails_in_the_same_words_for_every_guess_is_a_failure_to_show(look: Look) -> None:
    class Unfinished(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("not yet")

    assert "not yet" in look(Unfinished()).inspection.failure.message


def test_each_try_that_led_to_an_input_is_told(look: Look) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(5, 3)

        def forward(self, x: Tensor) -> Tensor:
            _, t, _ = self.fc(x).shape
            assert t == 4, f"expected 4 steps, got {t}"
            return x

    assert look(Net()).inspection.inputs_from.endswith(
        "1x5 gave ValueError: not enough values to unpack (expected 3, got 2); "
        "1x16x5 gave AssertionError: expected 4 steps, got 16"
    )


def test_a_guess_that_exits_the_program_is_a_wrong_guess(look: Look) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            if x.dim() == 2:
                raise SystemExit("sequences only")
            return self.fc(x)

    assert look(Net()).inspection.inputs[0].shape == (1, 16, 4)


def test_a_token_model_gets_integers_below_its_vocabulary(look: Look) -> None:
    spec = look(nn.Sequential(nn.Embedding(7, 4))).inspection.inputs[0]
    assert (spec.dtype, spec.low, spec.high) == ("int64", 0, 7)


def test_a_model_that_nothing_fits_says_what_to_type(look: Look) -> None:
    def forward(self: Net, image: Tensor, features: Tensor, scale: int = 1) -> Tensor:
        raise ValueError(f"never of {tuple(image.shape)} and {tuple(features.shape)}")

    error = refusal(look, type("Net", (Net,), {"forward": forward})())
    assert error.message == "the forward of Net takes image, features, and no input was given"
    assert error.hint == "Say what to feed it: --input image=1x… --input features=1x…"


def test_a_model_without_a_known_layer_is_tried_with_the_usual_shapes(look: Look) -> None:
    forward = {"forward": lambda self, x: x.mean((2, 3))}
    seen = look(type("Net", (Net,), forward)())
    assert len(seen.inspection.inputs[0].shape) == 4
    assert seen.inspection.inputs_from.startswith("guessed; changed after ")


def test_what_was_changed_says_why(look: Look) -> None:
    seen = look(nn.Sequential(nn.Flatten(), nn.Linear(12, 2), nn.LayerNorm(2)))
    assert seen.inspection.inputs_from.startswith("guessed from 1 Linear(in_features=12")
    image = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(784, 2))
    source = look(image).inspection.inputs_from
    assert "; changed after a failed try: 1x1x32x32 gave RuntimeError: mat1 and mat2" in source


def test_the_entries_of_a_dict_are_named_by_its_keys(look: Look) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(4, 2), nn.Linear(7, 2)

        def forward(self, batch: dict[str, Tensor]) -> Tensor:
            return self.left(batch["left"]) + self.right(batch["right"])

    seen = look(Net())
    assert [format_input(spec) for spec in seen.inspection.inputs] == [
        "batch.left=1x4",
        "batch.right=1x7",
    ]
    given = look(Net(), *(parse_input(f"batch.{name}") for name in ("left=3x4", "right=3x7")))
    assert given.inspection.failure is None


def test_of_all_tries_only_the_first_is_heard(
    look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 1, 1), nn.Linear(784, 2)

        def forward(self, x: Tensor) -> Tensor:
            if not torch.is_grad_enabled():
                print("forward")
            return self.fc(self.conv(x).flatten(1))

    heard = look(Net(), InputSpec((1, 1, 28, 28)))
    once = capsys.readouterr().out
    assert heard.inspection.failure is None
    assert look(Net()).inspection.failure is None
    assert capsys.readouterr().out == "forward\n" + once


@pytest.mark.parametrize("kind", [MemoryError, ImportError, OSError])
def test_what_is_not_the_inputs_fault_is_tried_once(kind: type[Exception], look: Look) -> None:
    tries = []

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            tries.append(x.shape)
            raise kind("no room")

    seen = look(Net())
    assert seen.inspection.failure is not None
    assert set(tries) == {(1, 4)}


def test_a_model_that_refuses_everything_is_tried_a_bounded_number_of_times(look: Look) -> None:
    tries = []

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            tries.append(x.shape)
            raise ValueError(f"not {len(tries)} but {len(tries) + 1}, 32, 64, 128 or {x.numel()}")

    look(Net())
    assert len(tries) <= MAX_TRIES + 1


def test_the_models_own_example_comes_first(look: Look) -> None:
    model = nn.Sequential(nn.Linear(4, 2))
    model.example_input_array = torch.zeros(3, 7, 4, dtype=torch.float64)
    model.double()
    seen = look(model)
    assert seen.inspection.inputs_from == "the model's example_input_array"
    assert seen.inspection.inputs == (InputSpec((3, 7, 4), "float64"),)


@pytest.mark.parametrize("kind", [tuple, dict])
def test_an_example_may_be_several_tensors(kind: type, look: Look) -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return a + b.sum()

    model = Two()
    parts = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    model.example_input_array = parts if kind is dict else tuple(parts.values())
    seen = look(model)
    assert seen.inspection.failure is None
    assert [spec.name for spec in seen.inspection.inputs] == (
        ["a", "b"] if kind is dict else ["", ""]
    )


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (lambda self, *args: self.fc(*args), (1, 4)),
        (lambda self, x, *, scale=2: self.fc(x) * scale, (1, 4)),
        (lambda self, x=None: self.fc(x), (1, 4)),
        (lambda self, x=None, **more: self.fc(x), (1, 4)),
    ],
)
def test_forward_may_take_any_or_optional_arguments(
    forward: Any, shape: tuple[int, ...], look: Look
) -> None:
    kind = type("Net", (Net,), {"forward": forward})
    seen = look(kind(fc=nn.Linear(4, 2)))
    assert seen.inspection.failure is None
    assert seen.inspection.inputs[0].shape == shape


@pytest.mark.parametrize(
    "forward",
    [
        lambda self: self.fc(torch.ones(1, 4)),
        lambda self, seed=0: self.fc(torch.full((1, 4), float(seed))),
    ],
)
def test_a_forward_that_needs_no_input_gets_none(forward: Any, look: Look) -> None:
    kind = type("Net", (Net,), {"forward": forward})
    seen = look(kind(fc=nn.Linear(4, 2)))
    assert seen.inspection.failure is None
    assert seen.inspection.inputs == ()
    assert seen.inspection.batch is None
    assert seen.inspection.inputs_from == "forward needs no input"


def test_required_arguments_are_those_without_a_default() -> None:
    model = Net()
    model.forward = lambda a, b=1, *c, d, e=2, **f: None  # type: ignore[method-assign]
    assert required_arguments(model) == ["a", "d"]


def test_a_lazy_first_layer_is_never_fed_a_guess() -> None:
    """It would keep the shape of a wrong one for good."""
    assert refusal(guess_inputs, nn.Sequential(nn.LazyLinear(4))).message == (
        "the forward of Sequential takes input, and no input was given; "
        "0 learns its size from the first, so none is guessed"
    )


def test_a_lazy_layer_behind_a_convolution_is_made_by_the_first_guess(look: Look) -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(4))
    seen = look(model)
    assert seen.inspection.failure is None
    assert seen.rows["2"].type == "Linear"
    assert seen.rows["2"].total_parameters == 2 * 30 * 30 * 4 + 4
