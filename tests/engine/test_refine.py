"""From what a model said against an input to a better one: a table."""

from __future__ import annotations

import pytest
from torch import nn

from nninspect.engine.guessing.attempt import Got, Refusal
from nninspect.engine.guessing.refine import MAX_PROPOSALS, refine
from nninspect.engine.guessing.sides import sides
from nninspect.protocol.records import InputSpec
from nninspect.text.inputs import format_input, parse_input

MATMUL = "mat1 and mat2 shapes cannot be multiplied ({} and {})"


def fed(
    text: str, layer: nn.Module, *shape: int, dtype: str = "float32", origin: int = 0
) -> Refusal:
    """A refusal of a layer that was given a tensor of this shape."""
    return Refusal(text, layer, (Got(shape, dtype, origin),))


def said(text: str) -> Refusal:
    """A refusal that no known layer made."""
    return Refusal(text)


def proposals(specs: str, refusal: Refusal) -> list[str]:
    given = tuple(parse_input(text) for text in specs.split())
    return [" ".join(map(format_input, better)) for better in refine([(given, refusal)])]


@pytest.mark.parametrize(
    ("specs", "refusal", "better"),
    [
        # the layer was fed the input itself
        ("1x3", fed("", nn.Linear(4, 2), 1, 3), "1x4"),
        ("1x16x3", fed("", nn.LSTM(5, 2), 1, 16, 3), "1x16x5"),
        ("1x3x32x32", fed("", nn.Conv2d(1, 2, 3), 1, 3, 32, 32), "1x1x32x32"),
        ("1x3x32x32", fed("", nn.BatchNorm2d(7), 1, 3, 32, 32), "1x7x32x32"),
        ("1x16", fed("", nn.LayerNorm(9), 1, 16), "1x9"),
        # a view of it
        ("1x3x32x32", fed("", nn.Conv2d(3, 2, 3), 1, 32, 3, 32), "1x32x32x3"),
        ("1x3x32x32", fed("", nn.Linear(784, 2), 1, 3072), "1x1x28x28"),
        ("1x16x8", fed("", nn.Linear(64, 2), 1, 128), "1x16x4"),
        # dimensions
        ("1x784", fed("", nn.Conv2d(1, 2, 3), 1, 784), "1x1x32x32"),
        ("1x3x32x32", fed("", nn.Conv2d(1, 2, 3), 1, 1, 3, 32, 32), "1x32x32"),
        ("1x16", said("not enough values to unpack (expected 4, got 2)"), "1x32x32x16"),
        ("1x3x32x32", said("too many values to unpack (expected 2)"), "1x32"),
        ("1x16", said("too many indices for tensor of dimension 2"), "1x16x16"),
        ("1x16", said("Dimension out of range (expected to be in range of [-2, 1], but got 2)"),
         "1x16x16"),
        ("1x16", said("permute(): number of dimensions in the tensor input does not match the "
                      "length of the desired ordering of dimensions i.e. input.dim() = 2 is not "
                      "equal to len(dims) = 3"), "1x16x16"),
        # words only, as functions and meta word them
        ("1x3", said(MATMUL.format("1x3", "4x2")), "1x4"),
        ("1x3", said("a and b must have same reduction dim, but got [1, 3] X [4, 2]."), "1x4"),
        ("1x1x32x32", said("Given groups=1, weight of size [2, 3, 3, 3], expected input[1, 1, 32, "
                           "32] to have 3 channels, but got 1 channels instead"), "1x3x32x32"),
        ("1x3x32x32", said("shape '[-1, 784]' is invalid for input of size 3072"), "1x1x28x28"),
        # a layer further on
        ("1x3x32x32", fed(MATMUL, nn.Linear(392, 2), 1, 512, origin=-1), "1x3x28x28"),
        ("1x1x32x32", said("shape '[-1, 256]' is invalid for input of size 400"), "1x1x24x24"),
        ("a=1x8 b=1x8", fed(MATMUL, nn.Linear(8, 2), 1, 16, origin=-1), "a=1x4 b=1x4"),
        # kinds of values
        ("1x16", fed("", nn.Embedding(9, 2), 1, 16), "int64[0:9]:1x16"),
        ("1x16", said("tensors used as indices must be long, int, byte or bool tensors"),
         "int64[0:2]:1x16"),
        ("int64[0:2]:1x4", said("mat1 and mat2 must have the same dtype, but got Long and Float"),
         "1x4"),
        ("int64[0:50]:1x4", fed("index out of range in self", nn.Embedding(9, 2), 1, 4,
                                dtype="int64"), "int64[0:9]:1x4"),
        ("int64[0:9]:1x16", fed("index out of range in self", nn.Embedding(8, 2), 16,
                                dtype="int64", origin=-1), "int64[0:8]:1x16"),
        ("mask=int64[1:2]:1x4", said("masked_fill_ only supports boolean masks, but got long"),
         "mask=bool[1:2]:1x4"),
        # arguments
        ("1x4", said("forward() missing 1 required positional argument: 'y'"), "1x4 1x4"),
        ("1x4 y=1x4", said("forward() got an unexpected keyword argument 'y'"), "1x4"),
        # the rest
        ("1x4", said("Expected more than 1 value per channel when training, got input size "
                     "torch.Size([1, 4])"), "2x4"),
        ("1x3x32x32", said("Kernel size can't be greater than actual input size"), "1x3x64x64"),
        ("1x3x32x32", said("Input height (32) doesn't match model (224)."), "1x3x224x224"),
        ("1x3x32x32", said("The size of tensor a (17) must match the size of tensor b (65) at "
                           "non-singleton dimension 1"), "1x3x64x64"),
        ("1x16x8", said("The size of tensor a (16) must match the size of tensor b (10) at "
                        "non-singleton dimension 1"), "1x10x8"),
    ],
)  # fmt: skip
def test_a_refusal_leads_to_a_better_input(specs: str, refusal: Refusal, better: str) -> None:
    assert better in proposals(specs, refusal)[:3]


def test_a_refusal_that_says_nothing_leads_nowhere() -> None:
    assert proposals("1x4", said("never")) == []


def test_proposals_are_few_and_none_is_there_twice() -> None:
    found = proposals("1x3x32x32 1x3x32x32", said(" ".join(map(str, range(20, 60)))))
    assert len(found) == len(set(found)) <= MAX_PROPOSALS


def test_a_batch_that_a_view_split_is_taken_for_a_wrong_size() -> None:
    assert "1x1x16x16" in proposals("1x1x32x32", said("1 sample became 4 rows"))


@pytest.mark.parametrize("side", [20, 28, 33, 45, 50, 99, 150, 227, 400])
@pytest.mark.parametrize("cut", [0, 2, 4, 9])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_side_is_found_in_a_few_steps(side: int, cut: int, dims: int) -> None:
    def size(one: int) -> int:
        return 16 * max((one - cut) // 2, 0) ** dims

    measured = [(32, size(32))]
    for _ in range(8):
        if measured[-1][1] == size(side):
            return
        following = next(iter(sides(size(side), dims, measured)))
        measured.append((following, size(following)))
    pytest.fail(f"not among {measured}")


def test_a_size_that_does_not_depend_on_the_side_is_given_up() -> None:
    assert list(sides(7, 2, [(32, 9)]))
    assert not list(sides(7, 2, [(32, 9), (28, 9)]))


def test_a_spec_that_is_proposed_can_be_typed() -> None:
    for better in proposals("1x3", fed("", nn.Linear(4, 2), 1, 3)):
        assert isinstance(parse_input(better), InputSpec)
