"""NN8xx: each rule on networks that it flags, and on near misses that it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.doctor.rules.float64 import Float64

X = "4,8"


class Plain(nn.Module):
    """What the networks below have in common: one layer, and something done to its output."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.fc(x))

    def then(self, x: Tensor) -> Tensor:
        return x.relu()


class OnMeta(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 2, device="meta")


class SpreadOnPurpose(OnMeta):
    hf_device_map = {"fc": 0, "head": "disk"}  # noqa: RUF012


class BufferOnMeta(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(8, device="meta"))


class MakesZeros(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x + torch.zeros(x.shape[0], 8)


class MakesState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(8, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.rnn(x, torch.zeros(1, x.shape[0], 8))[0]
        return states


class MakesPositions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.at = nn.Embedding(9, 8), nn.Embedding(9, 8)

    def forward(self, ids: Tensor) -> Tensor:
        x: Tensor = self.embed(ids) + self.at(torch.arange(ids.shape[1]))
        return x


class FollowsTheInput(Plain):
    def then(self, x: Tensor) -> Tensor:
        made = torch.zeros(x.shape[0], 8, device=x.device) + x.new_ones(8)
        return x + made + torch.ones_like(x)


class MovesWhatItMade(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x + torch.linspace(0, 1, 8).to(x.device) + torch.ones(8).type_as(x)


class OneNumber(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x * torch.tensor(0.5)


class MereIndex(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x[:, torch.arange(7, -1, -1)]


class UnderADefaultDevice(Plain):
    def then(self, x: Tensor) -> Tensor:
        with torch.device(x.device):
            return x + torch.ones(8)


class WritesCuda(Plain):
    def then(self, x: Tensor) -> Tensor:
        if torch.cuda.is_available():
            x = x.cuda()
        return x


class WritesTo(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x.to("cpu")


class WritesADevice(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x + torch.zeros(8, device="cpu")


class AsksForTheDevice(Plain):
    def then(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return x * 2 if x.device.type == "cuda" else x.to(x.device)


class NamesADeviceElsewhere(Plain):
    def setup(self) -> None:
        self.to("cuda")


class DoubleBuffer(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(np.linspace(0, 1, 8)))

    def then(self, x: Tensor) -> Tensor:
        return x - self.mean


class DoublesOnPurpose(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x.double().cumsum(-1).float()


class ReadsAValue(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x / x.abs().max().item()


class AsksAValue(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x / 2 if x.max() > 1 else x


class GoesToNumpy(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x + float(np.median(x.detach().numpy()))


class AsksAShape(Plain):
    def then(self, x: Tensor) -> Tensor:
        if x.shape[0] > 1 and len(x) > 2 and x.dim() == 2:
            x = x * int(x.size(1))
        return torch.where(x.max() > 1, x / 2, x)


class Converts(Plain):
    def then(self, x: Tensor) -> Tensor:
        return x.float() + x.int()


class AsksInALibrary(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        encoded: Tensor = self.encoder(x, src_key_padding_mask=mask)
        return encoded


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (t.view(*t.shape[:2], 2, 4).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        return self.attend(q, k, v).transpose(1, 2).flatten(2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.transpose(-2, -1) / 2.0
        scores = scores.masked_fill(torch.ones_like(scores).triu(1).bool(), float("-inf"))
        return F.dropout(scores.softmax(-1), 0.1, self.training) @ v


class ByHandWithBmm(ByHand):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        a, b, c = (t.flatten(0, 1) for t in (q, k, v))
        return torch.bmm(F.softmax(torch.bmm(a, b.mT), dim=-1), c).view_as(q)


class Fused(ByHand):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)


class GivesItsWeights(ByHand):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        q, k, v = self.qkv(x).chunk(3, -1)
        weights = (q @ k.mT).softmax(-1)
        return weights @ v, weights


class Pooling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.score(x).softmax(1).mT @ x


FLAGGED: list[tuple[str, Callable[[], nn.Module], Any]] = [
    ("NN801", OnMeta, X),
    ("NN801", BufferOnMeta, X),
    ("NN802", MakesZeros, X),
    ("NN802", MakesState, "4,5,8"),
    ("NN802", MakesPositions, "int64:4x5"),
    ("NN803", WritesCuda, X),
    ("NN803", WritesTo, X),
    ("NN803", WritesADevice, X),
    ("NN804", lambda: Plain().double(), "float64:4x8"),
    ("NN804", DoubleBuffer, X),
    ("NN805", ReadsAValue, X),
    ("NN805", AsksAValue, X),
    ("NN805", GoesToNumpy, X),
    ("NN806", ByHand, "4,5,8"),
    ("NN806", ByHandWithBmm, "4,5,8"),
]

NEAR_MISSES: list[tuple[str, Callable[[], nn.Module], Any]] = [
    ("NN801", Plain, X),
    ("NN801", SpreadOnPurpose, X),
    ("NN802", FollowsTheInput, X),
    ("NN802", MovesWhatItMade, X),
    ("NN802", OneNumber, X),
    ("NN802", MereIndex, X),
    ("NN802", UnderADefaultDevice, X),
    ("NN803", AsksForTheDevice, X),
    ("NN803", NamesADeviceElsewhere, X),
    ("NN804", Plain, X),
    ("NN804", DoublesOnPurpose, X),
    ("NN805", AsksAShape, X),
    ("NN805", Converts, X),
    ("NN805", AsksInALibrary, "4,5,8"),
    ("NN806", Fused, "4,5,8"),
    ("NN806", GivesItsWeights, "4,5,8"),
    ("NN806", Pooling, "4,5,8"),
]


@pytest.mark.parametrize(("code", "network", "inputs"), FLAGGED)
def test_the_rule_finds_it(code: str, network: Any, inputs: str, codes: Any) -> None:
    assert codes(network(), inputs, code) == [code]


@pytest.mark.parametrize(("code", "network", "inputs"), NEAR_MISSES)
def test_the_rule_leaves_it_alone(code: str, network: Any, inputs: str, codes: Any) -> None:
    assert codes(network(), inputs, code) == []


def test_a_finding_names_the_line_of_the_user(outcome: Any) -> None:
    (found,) = outcome(MakesZeros(), X, "NN802").findings
    assert found.file == __file__
    assert "torch.zeros(x.shape[0], 8)" in Path(__file__).read_text().splitlines()[found.line - 1]


def test_float64_that_was_asked_for_is_no_finding(gather: Any) -> None:
    evidence = gather(Plain().double(), "float64:4x8")
    asked = replace(evidence, setup=msgspec.structs.replace(evidence.setup, dtype="float64"))
    assert list(Float64().check(evidence))
    assert not list(Float64().check(asked))
