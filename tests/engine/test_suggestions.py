"""Broken networks and what is suggested for each; and broken ones where nothing may be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nninspect.engine.failure import forward_failure
from nninspect.engine.failures.devices import device
from nninspect.engine.failures.dtypes import unsupported
from nninspect.engine.failures.facts import Facts, in_order
from nninspect.engine.failures.suggest import suggestion
from nninspect.engine.recorder import Call, CallRecorder
from nninspect.engine.structure import walk
from nninspect.protocol.layers import TensorInfo, Tensors
from nninspect.protocol.records import InputSpec

Look = Callable[..., Any]
IMAGE = InputSpec((1, 3, 8, 8))


class Net(nn.Module):
    """A network whose forward is written in the test."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.written = forward

    def forward(self, *inputs: Tensor) -> Any:
        return self.written(self, *inputs)


class Forgetful(nn.Module):
    """It forgets to return."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> None:
        self.fc(x)


class Masked(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask


class Typo(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 4)
        self.layers = [nn.Linear(4, 4)]

    def forward(self, x: Tensor) -> Any:
        return self.dens(x)


class NeverSet(Typo):
    def __init__(self) -> None:
        super().__init__()
        self.head = None

    def forward(self, x: Tensor) -> Any:
        return self.head(self.dense(x))  # type: ignore[misc]


class OtherKey(Typo):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({"boxes": nn.Linear(4, 4), "classes": nn.Linear(4, 4)})

    def forward(self, x: Tensor) -> Any:
        return self.heads["class"](x)


class Endless(Typo):
    def forward(self, x: Tensor) -> Any:
        return self(self.dense(x))


class TakenApart(Typo):
    def forward(self, x: Tensor) -> Any:
        out, state = self.dense(x)
        return out, state


class CalledList(Typo):
    def forward(self, x: Tensor) -> Any:
        return self.layers(x)  # type: ignore[operator]


def seq(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def does(forward: Callable[..., Any], **parts: Any) -> Net:
    return Net(forward, **parts)


def spec(*shape: int, dtype: str = "float32") -> InputSpec:
    return InputSpec(shape, dtype)


BROKEN: dict[str, tuple[Callable[[], nn.Module], InputSpec, str]] = {
    "a flatten is explained": (
        lambda: seq(nn.Conv2d(3, 16, 5), nn.Flatten(), nn.Linear(512, 10)),
        IMAGE,
        "in_features=512 and got 256: the flatten before it gives 16x4x4 = 256; set "
        "in_features=256",
    ),
    "a flatten after activations too": (
        lambda: seq(
            nn.Conv2d(3, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9, 10)
        ),
        IMAGE,
        "the flatten before it gives 16x2x2 = 64; set in_features=64",
    ),
    "a flatten of the input itself": (
        lambda: seq(nn.Flatten(), nn.Linear(100, 10)),
        IMAGE,
        "the flatten before it gives 3x8x8 = 192; set in_features=192",
    ),
    "a linear that wants the image flat": (
        lambda: seq(nn.Linear(192, 10)),
        IMAGE,
        "torch.flatten(x, 1) gives 3x8x8 = 192",
    ),
    "a linear on an image": (
        lambda: seq(nn.Linear(100, 10)),
        IMAGE,
        "torch.flatten(x, 1) gives 3x8x8 = 192, and set in_features=192",
    ),
    "features that are not last": (
        lambda: seq(nn.Linear(5, 10)),
        spec(2, 5, 7),
        "dimension 1 has the 5, so bring it last with x.movedim(1, -1)",
    ),
    "a flatten without a batch": (
        lambda: seq(nn.Conv2d(3, 16, 5), nn.Flatten(), nn.Linear(256, 10)),
        spec(3, 8, 8),
        "gave (16, 4, 4), without a batch dimension",
    ),
    "two linears": (
        lambda: seq(nn.Linear(4, 8), nn.Linear(16, 2)),
        spec(1, 4),
        "in_features=16 and got 8, in (1, 8): set in_features=8",
    ),
    "F.linear": (
        lambda: does(lambda m, x: F.linear(x, m.w), w=nn.Parameter(torch.ones(2, 5))),
        spec(1, 4),
        "F.linear got (1, 4) and a weight of (2, 5), which is (outputs, inputs)",
    ),
    "a product with a transposed weight": (
        lambda: does(lambda m, x: x @ m.w, w=nn.Parameter(torch.ones(5, 4))),
        spec(3, 4),
        "The second one transposed, with .T, fits.",
    ),
    "bmm": (
        lambda: does(lambda m, x: torch.bmm(x, x)),
        spec(2, 3, 4),
        "first operand has 4 columns, and each of the second has 3 rows",
    ),
    "addmm": (
        lambda: does(lambda m, x: torch.addmm(torch.ones(2), x, torch.ones(5, 2))),
        spec(3, 4),
        "3x4 and 5x2",
    ),
    "a vector": (
        lambda: does(lambda m, x: x @ torch.ones(7)),
        spec(3, 4),
        "the vector has 7: it needs 4",
    ),
    "attention": (
        lambda: does(lambda m, x: m.a(x, x, x), a=nn.MultiheadAttention(8, 2)),
        spec(5, 1, 6),
        "embed_dim=8 and its query has 6, in (5, 1, 6): set embed_dim=6",
    ),
    "channels last": (
        lambda: seq(nn.Conv2d(3, 8, 3)),
        spec(1, 28, 28, 3),
        "the channels come last, so bring them forward with x.permute(0, 3, 1, 2)",
    ),
    "channels last without a batch": (
        lambda: seq(nn.Conv2d(3, 8, 3)),
        spec(28, 28, 3),
        "x.permute(2, 0, 1)",
    ),
    "no channel dimension": (
        lambda: seq(nn.Conv2d(1, 8, 3)),
        spec(4, 28, 28),
        "x.unsqueeze(1) gives (4, 1, 28, 28)",
    ),
    "neither batch nor channel": (
        lambda: seq(nn.Conv2d(1, 8, 3)),
        spec(28, 28),
        "x[None, None] gives (1, 1, 28, 28)",
    ),
    "a flat image": (
        lambda: seq(nn.Conv2d(1, 8, 3)),
        spec(2, 784),
        "x.view(-1, 1, 28, 28)",
    ),
    "groups": (
        lambda: seq(nn.Conv2d(4, 8, 3, groups=2)),
        IMAGE,
        "3 can't be split into groups=2",
    ),
    "F.conv2d": (
        lambda: does(lambda m, x: F.conv2d(x, torch.ones(2, 4, 3, 3))),
        IMAGE,
        "for 4 channels, and the input (1, 3, 8, 8) has 3",
    ),
    "a kernel that is too large": (
        lambda: seq(nn.Conv2d(3, 8, 11)),
        IMAGE,
        "8x8, padding included, smaller than its kernel 11x11: set padding=2",
    ),
    "one pooling too many": (
        lambda: seq(nn.MaxPool2d(8), nn.MaxPool2d(2)),
        IMAGE,
        "it got 1x1 (of 3 channels), and the output would be 0x0",
    ),
    "batch norm of flat features": (
        lambda: seq(nn.BatchNorm2d(4)),
        spec(2, 4),
        "4 dimensions and got 2, in (2, 4): use nn.BatchNorm1d.",
    ),
    "batch norm of an image": (
        lambda: seq(nn.BatchNorm1d(4)),
        IMAGE,
        "use nn.BatchNorm2d, with num_features=3",
    ),
    "batch norm without a batch": (
        lambda: seq(nn.BatchNorm2d(3)),
        spec(3, 8, 8),
        "x.unsqueeze(0)",
    ),
    "batch norm, features last": (
        lambda: seq(nn.BatchNorm1d(4)),
        spec(2, 7, 4),
        "x.permute(0, 2, 1), or set num_features=7",
    ),
    "instance norm": (
        lambda: seq(nn.InstanceNorm2d(4, affine=True)),
        IMAGE,
        "num_features=4 and got 3",
    ),
    "group norm, groups and all": (
        lambda: seq(nn.GroupNorm(4, 8)),
        spec(2, 6, 5),
        "set num_channels=6, or change what comes before it. 6 can't be split into num_groups=4: "
        "set num_groups=3",
    ),
    "layer norm of channels": (
        lambda: seq(nn.LayerNorm(3)),
        IMAGE,
        "x.permute(0, 2, 3, 1), or use nn.GroupNorm(1, 3)",
    ),
    "an index beyond the table": (
        lambda: seq(nn.Embedding(10, 4)),
        InputSpec((1, 8), "int64", low=42, high=43),
        "= 9 and got 42: feed it --input int64[0:10]:1x8, or set num_embeddings=43",
    ),
    "double": (
        lambda: does(lambda m, x: m.fc(x.double()), fc=nn.Linear(4, 2)),
        spec(1, 4),
        "has float32 weights and got float64: convert the input with .to(torch.float32)",
    ),
    "integers": (
        lambda: seq(nn.Linear(4, 2)),
        spec(1, 4, dtype="int64"),
        "got int64: convert the input with .to(torch.float32)",
    ),
    "a product of two dtypes": (
        lambda: does(lambda m, x: x @ torch.ones(4, 4).double()),
        spec(1, 4),
        "float32 and float64: convert one with .to(torch.float32)",
    ),
    "a kernel that integers have not": (
        lambda: does(lambda m, x: x.softmax(1)),
        spec(1, 4, dtype="int64"),
        "has no int64 version: convert its input with .float()",
    ),
    "a part that was never set": (
        NeverSet,
        spec(1, 4),
        "self.head is None: set it in __init__ before it is used.",
    ),
    "a key that a dict of modules has not": (
        OtherKey,
        spec(1, 4),
        "self.heads has no 'class'. Did you mean classes",
    ),
    "a forward that calls itself": (
        Endless,
        spec(1, 4),
        "Endless calls itself in its own forward: call one of its layers.",
    ),
    "one tensor taken for two": (
        TakenApart,
        spec(1, 4),
        "dense (Linear) returns one tensor, (1, 4), and this line takes 2 things: take it whole.",
    ),
    "a recurrent layer that goes both ways": (
        lambda: does(
            lambda m, x: m.fc(m.rnn(x)[0]),
            rnn=nn.LSTM(4, 16, bidirectional=True, batch_first=True),
            fc=nn.Linear(16, 2),
        ),
        spec(1, 16, 4),
        "rnn (LSTM) is bidirectional and gives both, set in_features=32.",
    ),
    "an index of floats": (
        lambda: does(lambda m, x: x.gather(1, torch.zeros(1, 1))),
        spec(1, 4),
        "make it integers, with .long()",
    ),
    "an einsum of unequal sizes": (
        lambda: does(lambda m, x: torch.einsum("bi,ij->bj", x, torch.ones(8, 4))),
        spec(2, 16),
        "einsum got (2, 16), (8, 4): i is 16 in an operand before and 8 in operand 1",
    ),
    "targets of two dimensions": (
        lambda: does(lambda m, x: F.cross_entropy(x, torch.zeros(2, 3).long())),
        spec(2, 5),
        "got (2, 5) and targets of (2, 3): indices of classes are (2,), one for each place",
    ),
    "targets of another integer type": (
        lambda: does(lambda m, x: F.cross_entropy(x, torch.zeros(2, dtype=torch.int32))),
        spec(2, 5),
        "The targets are int32: indices of classes are int64, with .long().",
    ),
    "a view": (
        lambda: does(lambda m, x: m.conv(x).view(-1, 512), conv=nn.Conv2d(3, 16, 5)),
        IMAGE,
        "(1, 16, 4, 4) has 256 elements, which [-1, 512] can't hold: write 256 for 512, as "
        "16x4x4 = 256",
    ),
    "a view with a fixed batch": (
        lambda: does(lambda m, x: x.view(64, 192)),
        IMAGE,
        "the batch here is 1, not 64; write x.size(0) for it",
    ),
    "a view of what is not contiguous": (
        lambda: does(lambda m, x: x.transpose(1, 2).view(2, -1)),
        spec(2, 3, 4),
        ".reshape(",
    ),
    "broadcasting": (
        lambda: does(lambda m, x: x + torch.ones(2, 4)),
        spec(2, 3),
        "3",
    ),
    "cat": (
        lambda: does(lambda m, x: torch.cat([x, torch.ones(1, 3, 4, 8)], 1)),
        IMAGE,
        "along dim=1 needs the other dimensions equal: tensor 1 has 4 where the first has 8",
    ),
    "cat of different ranks": (
        lambda: does(lambda m, x: torch.cat([x, torch.ones(1, 3)], 1)),
        IMAGE,
        "it got 4 and 2",
    ),
    "stack": (
        lambda: does(lambda m, x: torch.stack([x, torch.ones(2, 4)])),
        spec(2, 3),
        "tensor 0 is (2, 3) and tensor 1 is (2, 4)",
    ),
    "rnn dimensions": (
        lambda: seq(nn.LSTM(4, 2)),
        spec(5, 1, 3, 4),
        "expects 2 or 3 dimensions, the last of input_size=4, and got 4",
    ),
    "the batch first": (
        lambda: does(lambda m, x: m.rnn(x, torch.zeros(1, 2, 3)), rnn=nn.GRU(4, 3)),
        spec(2, 5, 4),
        "set batch_first=True",
    ),
    "a hidden state": (
        lambda: does(lambda m, x: m.rnn(x, torch.zeros(1, 5, 9)), rnn=nn.GRU(4, 3)),
        spec(2, 5, 4),
        "a hidden state of (1, 5, 3) and got (1, 5, 9)",
    ),
    "an rnn's tuple": (
        lambda: does(lambda m, x: m.fc(m.rnn(x)), rnn=nn.GRU(4, 3), fc=nn.Linear(3, 1)),
        spec(2, 5, 4),
        "rnn (GRU) returns (output, state): unpack it",
    ),
    "a forgotten return": (
        lambda: seq(Forgetful(), nn.Linear(4, 2)),
        spec(1, 4),
        "The forward of 0 (Forgetful) returned no tensor",
    ),
    "a forgotten return, added": (
        lambda: does(lambda m, x: x + m.block(x), block=Forgetful()),
        spec(1, 4),
        "The forward of block (Forgetful) returned no tensor",
    ),
    "a missing argument inside": (lambda: seq(Masked()), spec(1, 4), "pass mask in the call"),
    "an argument too many": (
        lambda: does(lambda m, x: m.s(x, x), s=seq(nn.ReLU())),
        spec(1, 4),
        "s (Sequential) passes one value from module to module, and was given 2",
    ),
    "an unexpected argument": (
        lambda: does(lambda m, x: m.s(x, masc=x), s=Masked()),
        spec(1, 4),
        "takes (x, mask), and was given masc. Did you mean mask?",
    ),
    "an attribute": (Typo, spec(1, 4), "Typo has no dens. Did you mean dense?"),
    "a list": (CalledList, spec(1, 4), "self.layers is a plain list of layers"),
    "an index": (
        lambda: does(lambda m, x: x[:, 9]),
        spec(2, 4),
        "Dimension 1 has 4, so its indices run from 0 to 3, and the call asks for 9",
    ),
    "a dimension": (
        lambda: does(lambda m, x: x.mean(3)),
        spec(2, 4),
        "from -2 to 1 are possible here, and the call asks for 3",
    ),
    "no memory": (
        lambda: does(lambda m, x: torch.empty(2**44)),
        spec(2, 4),
        "One tensor of 64.0 TiB was asked for: use a smaller batch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_network_is_told_what_to_write(name: str, look: Look) -> None:
    make, given, wanted = BROKEN[name]
    problem = look(make(), given).inspection.failure
    assert problem is not None
    assert wanted in problem.hint


@dataclass(frozen=True)
class Mended:
    """What the suggestion says, and the network with just that changed."""

    broken: nn.Module
    input: Tensor
    said: str
    mended: nn.Module


X = torch.ones(2, 3, 8, 8)
MENDED: Sequence[Mended] = (
    Mended(
        seq(nn.Conv2d(3, 16, 5), nn.Flatten(), nn.Linear(512, 10)),
        X,
        "in_features=256",
        seq(nn.Conv2d(3, 16, 5), nn.Flatten(), nn.Linear(256, 10)),
    ),
    Mended(
        seq(nn.Linear(9, 10)),
        X,
        "set in_features=192",
        seq(nn.Flatten(1), nn.Linear(192, 10)),
    ),
    Mended(seq(nn.Conv2d(1, 4, 3)), X, "set in_channels=3", seq(nn.Conv2d(3, 4, 3))),
    Mended(seq(nn.Conv2d(3, 4, 11)), X, "set padding=2", seq(nn.Conv2d(3, 4, 11, padding=2))),
    Mended(
        seq(nn.Conv2d(3, 4, 5, dilation=3)),
        X,
        "set padding=3",
        seq(nn.Conv2d(3, 4, 5, dilation=3, padding=3)),
    ),
    Mended(seq(nn.BatchNorm2d(4)), X, "set num_features=3", seq(nn.BatchNorm2d(3))),
    Mended(seq(nn.GroupNorm(2, 4)), X, "set num_groups=1", seq(nn.GroupNorm(1, 3))),
    Mended(seq(nn.LayerNorm((4, 4))), X, "normalized_shape=(8, 8)", seq(nn.LayerNorm((8, 8)))),
    Mended(seq(nn.LSTM(4, 2)), X[0], "set input_size=8", seq(nn.LSTM(8, 2))),
    Mended(
        seq(nn.Embedding(5, 2)),
        torch.tensor([[7]]),
        "set num_embeddings=8",
        seq(nn.Embedding(8, 2)),
    ),
    Mended(
        does(lambda m, x: m.rnn(x, torch.zeros(1, 3, 2)), rnn=nn.GRU(8, 2)),
        X[0],
        "set batch_first=True",
        does(lambda m, x: m.rnn(x, torch.zeros(1, 3, 2)), rnn=nn.GRU(8, 2, batch_first=True)),
    ),
    Mended(
        does(lambda m, x: x.view(-1, 512)),
        X,
        "write 192 for 512",
        does(lambda m, x: x.view(-1, 192)),
    ),
    Mended(
        seq(nn.Conv2d(3, 4, 3)),
        torch.ones(2, 8, 8, 3),
        "x.permute(0, 3, 1, 2)",
        does(lambda m, x: m.c(x.permute(0, 3, 1, 2)), c=nn.Conv2d(3, 4, 3)),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.said)
def test_a_network_runs_with_what_was_suggested(case: Mended, look: Look) -> None:
    given = InputSpec(tuple(case.input.shape), str(case.input.dtype).removeprefix("torch."))
    if not case.input.is_floating_point():
        high = float(case.input.max())
        given = InputSpec(given.shape, given.dtype, low=high, high=high + 1)
    assert case.said in look(case.broken, given).inspection.failure.hint
    case.mended(case.input)


class Padded(nn.Linear):
    """It takes any width: not for us to say what it expects."""

    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("of its own")


NEAR_MISSES: dict[str, tuple[Callable[[], nn.Module], InputSpec]] = {
    "a subclass with a forward of its own": (lambda: seq(Padded(9, 2)), spec(1, 4)),
    "an error of the user's that speaks of dtypes": (
        lambda: does(lambda m, x: _raise(ValueError("dtype must be one of a, b"))),
        spec(1, 4),
    ),
    "an attribute of something else": (
        lambda: does(lambda m, x: object().weight),  # type: ignore[attr-defined]
        spec(1, 4),
    ),
    "a TypeError of another function": (
        lambda: does(lambda m, x: (lambda a: a)()),  # type: ignore[call-arg,misc]
        spec(1, 4),
    ),
    "a call of a list that holds no layers": (
        lambda: does(lambda m, x: m.numbers(x), numbers=[1]),
        spec(1, 4),
    ),
    "a wrong unpacking of something else": (lambda: does(lambda m, x: _unpack((1, 2))), spec(1, 4)),
    "a key": (lambda: does(lambda m, x: {}["x"]), spec(1, 4)),
    "an assertion": (
        lambda: does(lambda m, x: _raise(AssertionError("got 3, wanted 4"))),
        spec(1, 4),
    ),
    "a linear that fits, with a hook that raises": (lambda: _hooked(nn.Linear(4, 2)), spec(1, 4)),
    "a NotImplementedError of the user's": (
        lambda: does(lambda m, x: _raise(NotImplementedError("later"))),
        spec(1, 4),
    ),
}  # fmt: skip


def _raise(error: Exception) -> None:
    raise error


def _unpack(pair: tuple[int, ...]) -> int:
    one, _, _ = pair
    return one


def _hooked(module: nn.Module) -> nn.Module:
    module.register_forward_hook(lambda m, i, o: _raise(ValueError("of the hook")))
    return seq(module)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_nothing_is_claimed_of_an_error_that_only_looks_like_one(name: str, look: Look) -> None:
    make, given = NEAR_MISSES[name]
    hint = look(make(), given).inspection.failure.hint
    assert " got (" in hint
    assert hint.endswith("Mend the line above, or feed it something else with --input.")


class Broken(nn.Module):
    """A property that fails looks, to torch, as if it were not there."""

    @property
    def scale(self) -> float:
        return self.scal  # type: ignore[return-value]

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def test_a_property_that_raises_is_not_said_to_be_missing(look: Look) -> None:
    hint = look(Broken(), spec(1, 4)).inspection.failure.hint
    assert hint == "Broken has scale, a property whose own code raised an AttributeError."


def test_a_layer_whose_hook_changes_its_input_is_told_what_it_really_got(look: Look) -> None:
    fc = nn.Linear(4, 2)
    fc.register_forward_pre_hook(lambda m, i: (i[0][:, :3],))
    hint = look(seq(fc), spec(1, 9)).inspection.failure.hint
    assert "1x3 and 4x2" in hint
    assert "9" not in hint


def test_an_image_without_a_batch_is_not_told_the_wrong_features(look: Look) -> None:
    model = seq(nn.Conv2d(3, 16, 5), nn.Flatten(), nn.Linear(99, 10))
    assert "4x4 = 16" not in look(model, spec(3, 8, 8)).inspection.failure.hint


@dataclass
class Ran:
    """A step of a forward, as it is recorded."""

    inputs: Tensors
    outputs: Tensors | None = None
    after: int = 0


def info(*shapes: tuple[int, ...]) -> Tensors:
    return tuple(TensorInfo(str(place), shape, "float32") for place, shape in enumerate(shapes))


def facts(message: str, *operands: tuple[int, ...], **more: Any) -> Facts:
    more = {"module": nn.Identity(), "name": "Net", "inputs": (), **more}
    return Facts(RuntimeError(message), op=Ran(info(*operands)) if operands else None, **more)


CLASH = (
    "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}"
)


@pytest.mark.parametrize(
    ("numbers", "operands", "said"),
    [
        ((3, 4, 1), [(2, 3, 8, 8), (2, 4, 8, 8)], "nn.Conv2d(3, 4, 1)"),
        ((4, 3, 1), [(2, 4, 8, 8), (2, 3, 8, 8)], "nn.Conv2d(3, 4, 1)"),
        (
            (8, 4, 3),
            [(2, 3, 8, 8), (2, 3, 4, 4)],
            "have 8 and 4 in dimension 3. Give both the same",
        ),
        ((12, 3, 2), [(2, 3, 12), (3,)], ".view(-1, 1) lines the second up with dimension 1"),
        ((3, 2, 1), [(2, 3), (2,)], ".view(-1, 1) lines the second up with dimension 0"),
        ((3, 4, 1), [(4, 3), (3, 4)], "One of them transposed, with .T, fits"),
        ((3, 4, 1), [], "have 3 and 4 in dimension 1: they must be equal there, or one of them 1"),
    ],
)
def test_two_tensors_that_do_not_broadcast_are_shown_with_what_would_fit(
    numbers: tuple[int, ...], operands: list[tuple[int, ...]], said: str
) -> None:
    assert said in suggestion(facts(CLASH.format(*numbers), *operands))


def test_the_dimension_along_which_a_cat_would_fit_is_named() -> None:
    message = (
        "Sizes of tensors must match except in dimension 1. Expected size 8 but got size 4 for "
        "tensor number 1 in the list."
    )
    said = suggestion(facts(message, (1, 3, 8), (1, 3, 4)))
    assert said.endswith("It got (1, 3, 8), (1, 3, 4). dim=2 fits.")


def test_a_flatten_is_not_explained_past_a_layer_with_weights() -> None:
    conv, fc = nn.Conv2d(3, 16, 5), nn.Linear(256, 256)
    calls = [
        Call(conv, info((1, 3, 8, 8)), info((1, 16, 4, 4))),
        Call(fc, info((1, 256)), info((1, 256))),
    ]
    last = nn.Linear(512, 10)
    said = suggestion(facts("", module=last, name="fc2", inputs=info((1, 256)), earlier=calls))
    assert "flatten" not in said
    assert "set in_features=256" in said


def test_a_functional_pooling_and_view_explain_the_features() -> None:
    steps = in_order(
        [Call(nn.Conv2d(3, 16, 5), info((1, 3, 12, 12)), info((1, 16, 8, 8)))],
        [
            Ran(info((1, 16, 8, 8)), info((1, 16, 4, 4)), after=1),
            Ran(info((1, 16, 4, 4)), info((1, 256)), after=1),
        ],
    )
    fc = nn.Linear(512, 10)
    said = suggestion(facts("", module=fc, name="fc", inputs=info((1, 256)), earlier=steps))
    assert "the flatten before it gives 16x4x4 = 256; set in_features=256" in said


def told(model: nn.Module, *inputs: Tensor) -> str:
    """The hint for a recorded forward, its functional calls included."""
    recorder = CallRecorder()
    with pytest.raises(RuntimeError) as caught, torch.no_grad(), recorder:
        model(*inputs)
    steps = in_order(recorder.calls, recorder.ops)
    nodes = walk(model)
    failure = forward_failure(caught.value, recorder, nodes, steps, recorder.failed_op)
    return failure.problem.hint


def test_recorded_pooling_and_view_explain_the_features() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        return net.fc(F.max_pool2d(F.relu(net.conv(x)), 2).view(x.size(0), -1))

    net = does(forward, conv=nn.Conv2d(3, 16, 5), fc=nn.Linear(512, 10))
    assert "gives 16x4x4 = 256; set in_features=256" in told(net, torch.ones(1, 3, 12, 12))


def test_a_recorded_functional_linear_is_told_the_weight_it_needs() -> None:
    net = does(lambda m, x: F.linear(x.flatten(1), m.w), w=nn.Parameter(torch.ones(4, 9)))
    said = told(net, torch.ones(2, 3, 12))
    assert "a weight of (4, 9), which is (outputs, inputs): the flatten before it gives" in said
    assert said.endswith("3x12 = 36; make the weight (4, 36).")


def test_a_recorded_skip_connection_shows_both_tensors() -> None:
    net = does(lambda m, x: m.conv(x) + x, conv=nn.Conv2d(3, 16, 3, padding=1))
    assert told(net, torch.ones(1, 3, 8, 8)).startswith(
        "(1, 16, 8, 8) and (1, 3, 8, 8) can't be broadcast: they have 16 and 3 in dimension 1."
    )


def test_an_op_that_failed_and_was_caught_is_no_part_of_it() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        with contextlib.suppress(RuntimeError):
            x.view(7)
        return net.fc(x)

    said = told(does(forward, fc=nn.Linear(9, 1)), torch.ones(2, 3))
    assert said.startswith("fc (Linear) expects in_features=9 and got 3")


def test_ops_and_calls_are_told_in_the_order_they_began() -> None:
    calls = [Ran(info((1,))), Ran(info((2,)))]
    ops = [Ran(info((3,)), after=0), Ran(info((4,)), after=1), Ran(info((5,)), after=2)]
    assert [step.inputs[0].shape[0] for step in in_order(calls, ops)] == [3, 1, 4, 2, 5]


@pytest.mark.parametrize(
    "message",
    [
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
        "cpu! (when checking argument for argument mat1 in method wrapper_CUDA_addmm)",
        "Expected all tensors to be on the same device, but got mat2 is on cpu, different from "
        "other tensors on cuda:0 (when checking argument in method wrapper_CUDA_mm)",
        "Input and hidden tensors are not at the same device, found input tensor at cuda:0 and "
        "hidden tensor at cpu",
        "Expected condition, x and y to be on the same device, but condition is on cpu and x and y "
        "are on cuda:0 and cuda:0 respectively",
    ],
)
def test_a_tensor_made_on_another_device_is_pointed_at(message: str) -> None:
    said = device(facts(message))
    assert "cuda:0" in said
    assert "cpu" in said
    assert "device=x.device" in said


@pytest.mark.parametrize(
    "message",
    [
        "indices should be either on cpu or on the same device as the indexed tensor (cpu)",
        "Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the "
        "same or input should be a MKLDNN tensor and weight is a dense tensor",
        "Placeholder storage has not been allocated on MPS device!",
    ],
)
def test_where_only_one_device_is_named_it_is_still_about_devices(message: str) -> None:
    assert "device=x.device" in device(facts(message))


def test_two_dtypes_on_one_device_are_no_matter_of_devices() -> None:
    types = "Input type (torch.cuda.HalfTensor) and weight type (torch.cuda.FloatTensor)"
    assert device(facts(f"{types} should be the same")) == ""


def test_numpy_of_a_tensor_on_an_accelerator_says_how_it_comes_to_the_cpu() -> None:
    said = device(facts("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to …"))
    assert said.startswith("Write x.cpu().numpy()")


def test_a_plain_tensor_that_does_not_move_with_the_model_is_named() -> None:
    net = Net(lambda m, x: x, fc=nn.Linear(2, 2, device="meta"), mask=torch.ones(2))
    said = device(facts("Tensor on device cpu is not on the expected device meta!", module=net))
    assert said.startswith("Net.mask is a plain tensor on cpu, and the weights are on meta")
    assert 'register_buffer("mask", …)' in said


def test_a_layer_in_a_plain_list_is_said_not_to_move_with_the_model() -> None:
    net = does(lambda m, x: m.layers[0](m.fc(x)), fc=nn.Linear(2, 2), layers=[nn.Linear(2, 2)])
    said = told(net.to("meta"), torch.ones(1, 2, device="meta"))
    assert said.startswith("A Linear outside of the tree is on cpu: the model does not know of it")
    assert "nn.ModuleList" in said


def test_the_memory_asked_for_and_the_memory_free_are_told() -> None:
    error = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB "
        "of which 5.25 GiB is free."
    )
    said = suggestion(Facts(error, nn.Identity(), "Net", ()))
    assert said.startswith("One tensor of 20.00 GiB was asked for and 5.25 GiB was free")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Tensor.item() cannot be called on meta tensors", "--device cpu"),
        (
            "\"addmm_impl_cpu_\" not implemented for 'Half'",
            "addmm_impl_cpu_ has no float16 version",
        ),
        ("\"thing\" not implemented for 'Martian'", ""),
    ],
)
def test_what_a_device_or_dtype_can_not_do_is_told(message: str, said: str) -> None:
    found = unsupported(facts(message))
    assert said in found
    assert bool(found) == bool(said)


META_WORDS = {
    "a and b must have same reduction dim, but got [1, 256] X [512, 10].": "1x256 and 512x10",
    "Attempting to broadcast a dimension of length 4 at -1! Mismatching argument at index 1 had "
    "torch.Size([2, 4]); but expected shape should be broadcastable to [2, 3]": "have 3 and 4 in",
    "Sizes of tensors must match except in dimension 1. Expected 8 in dimension 2 but got 4 for "
    "tensor number 1 in the list": "tensor 1 has 4 where the first has 8",
    "stack expects each tensor to be equal size, but got torch.Size([2, 3]) at entry 0 ": "(2, 3)",
}  # fmt: skip


@pytest.mark.parametrize("message", META_WORDS)
def test_the_meta_devices_words_are_understood_too(message: str) -> None:
    assert META_WORDS[message] in suggestion(facts(message))


def test_a_missing_input_of_the_whole_model_is_fed_by_name() -> None:
    error = TypeError("Masked.forward() missing 1 required positional argument: 'mask'")
    said = suggestion(Facts(error, Masked(), "Masked", info((1, 4))))
    assert "takes (x, mask) and got no mask: feed it --input mask=…" in said


def test_a_parameter_is_not_to_be_written_in_place() -> None:
    message = "a leaf Variable that requires grad is being used in an in-place operation."
    assert "torch.no_grad()" in suggestion(facts(message))


def test_a_line_that_unpacks_a_shape_is_told_the_dimensions() -> None:
    error = ValueError("not enough values to unpack (expected 4, got 2)")
    known = Facts(error, nn.Identity(), "Net", (), line="b, c, h, w = x.shape")
    assert "has 2 dimensions, and this line takes 4" in suggestion(known)
    assert suggestion(Facts(error, nn.Identity(), "Net", (), line="a, b, c, d = parts")) == ""
