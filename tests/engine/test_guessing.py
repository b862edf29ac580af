"""Networks of every kind, none of which says what it takes: how many get an input by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.ao.nn.quantized.dynamic as quantized_dynamic
import torch.nn.functional as F
from torch import Tensor, nn

from nninspect.engine.guessing.layers import candidates
from nninspect.protocol.records import InputSpec

Look = Callable[..., Any]
Network = Callable[[], nn.Module]

NETWORKS: dict[str, Network] = {}
"""By name; each makes a fresh one."""


def network(kind: type[nn.Module]) -> type[nn.Module]:
    NETWORKS[kind.__name__] = kind
    return kind


class Parts(nn.Module):
    """A module with parts, its forward to be defined."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def made(name: str, forward: Callable[..., Any], **parts: Callable[[], nn.Module]) -> None:
    """A network of these parts."""

    def build() -> nn.Module:
        kind = type(name, (Parts,), {"forward": forward})
        return kind(**{part: make() for part, make in parts.items()})

    NETWORKS[name] = build


# Images


def lenet(name: str, side: int, channels: int = 1, padding: int = 0, kernel: int = 5) -> None:
    def features() -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(channels, 6, kernel, padding=padding), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip

    size = features()(torch.zeros(1, channels, side, side)).shape[1]

    def forward(self: Any, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    made(name, forward, features=features, head=lambda: nn.Linear(size, 10))


for side in 28, 32, 33, 40, 45, 64, 100, 227:
    lenet(f"lenet_{side}", side)
lenet("lenet_padded", 28, padding=2)
lenet("lenet_color_75", 75, channels=3, kernel=3)
lenet("lenet_nine_channels", 50, channels=9)


@network
class LenetWithView(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x.view(-1, 9216)))), dim=1)


made(
    "view_by_batch",
    lambda self, x: self.fc(self.conv(x).view(x.size(0), -1)),
    conv=lambda: nn.Conv2d(3, 4, 5, stride=2),
    fc=lambda: nn.Linear(4 * 30 * 30, 2),
)
made(
    "channels_last",
    lambda self, x: self.conv(x.permute(0, 3, 1, 2)),
    conv=lambda: nn.Conv2d(3, 4, 3),
)
made("adds_channel", lambda self, x: self.conv(x.unsqueeze(1)), conv=lambda: nn.Conv2d(1, 4, 3))
made(
    "norm_first",
    lambda self, x: self.conv(self.norm(x)),
    norm=lambda: nn.BatchNorm2d(5),
    conv=lambda: nn.Conv2d(5, 4, 3),
)
made(
    "upsampling",
    lambda self, x: self.conv(F.interpolate(x, scale_factor=2)),
    conv=lambda: nn.ConvTranspose2d(7, 4, 3),
)
made(
    "asserts_its_size",
    lambda self, x: self.conv(checked(x, 96)),
    conv=lambda: nn.Conv2d(3, 4, 3),
)


def checked(x: Tensor, side: int) -> Tensor:
    if x.shape[-1] != side:
        raise ValueError(f"Input image size ({x.shape[-2]}*{x.shape[-1]}) doesn't match ({side})")
    return x


@network
class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.deeper = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.down(x)
        return self.out(torch.cat([first, self.up(self.deeper(first))], dim=1))


@network
class VisionTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, stride=8)
        self.cls = nn.Parameter(torch.zeros(1, 1, 16))
        self.position = nn.Parameter(torch.zeros(1, 8 * 8 + 1, 16))
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1)
        return self.layer(x + self.position)[:, 0]


@network
class DeepPyramid(nn.Module):
    """Six halvings and a kernel of three: 32 is too small."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(5):
            x = F.max_pool2d(x, 2)
        return self.last(x)


@network
class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Flatten(), nn.Linear(4 * 24 * 24, 8))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return F.pairwise_distance(self.encoder(left), self.encoder(right))


# Rows, signals, volumes

made("mlp", lambda self, x: self.fc(x), fc=lambda: nn.Linear(13, 2))
made("mlp_flat", lambda self, x: self.fc(x.flatten(1)), fc=lambda: nn.Linear(784, 2))
made("mlp_view", lambda self, x: self.fc(x.view(-1, 28 * 28)), fc=lambda: nn.Linear(784, 2))
made("mlp_view_color", lambda self, x: self.fc(x.view(-1, 3072)), fc=lambda: nn.Linear(3072, 2))
made(
    "mlp_image_shape",
    lambda self, x: self.fc(x.view(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])),
    fc=lambda: nn.Linear(784, 2),
)
made(
    "norm_of_rows",
    lambda self, x: self.fc(self.norm(x)),
    norm=lambda: nn.BatchNorm1d(6),
    fc=lambda: nn.Linear(6, 2),
)
made("layer_norm", lambda self, x: self.norm(x), norm=lambda: nn.LayerNorm((4, 6)))
made("conv1d", lambda self, x: self.conv(x), conv=lambda: nn.Conv1d(2, 4, 9))
made(
    "conv1d_flat",
    lambda self, x: self.fc(F.max_pool1d(F.relu(self.conv(x)), 4).flatten(1)),
    conv=lambda: nn.Conv1d(1, 4, 9),
    fc=lambda: nn.Linear(4 * 248, 2),
)
made(
    "conv1d_of_samples",
    lambda self, x: self.conv(x.unsqueeze(1)),
    conv=lambda: nn.Conv1d(1, 4, 400, stride=160),
)
made(
    "conv1d_of_sequence",
    lambda self, x: self.conv(x.transpose(1, 2)),
    conv=lambda: nn.Conv1d(12, 4, 3),
)
made("conv3d", lambda self, x: self.conv(x).mean((2, 3, 4)), conv=lambda: nn.Conv3d(1, 4, 3))
made(
    "conv3d_flat",
    lambda self, x: self.fc(self.conv(x).flatten(1)),
    conv=lambda: nn.Conv3d(1, 2, 3),
    fc=lambda: nn.Linear(2 * 18**3, 2),
)
made("bilinear", lambda self, a, b: self.mix(a, b), mix=lambda: nn.Bilinear(3, 5, 4))
made("double", lambda self, x: self.fc(x), fc=lambda: nn.Linear(3, 2).double())


@network
class Weightless(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x) + 1


@network
class PlainParameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(9, 4))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


@network
class FunctionalConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


@network
class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 32), nn.ReLU())
        self.decoder = nn.Linear(32, 784)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        return self.decoder(self.encoder(x.reshape(batch, -1))).view(batch, 1, height, width)


# Sequences and tokens

made("rnn_steps_first", lambda self, x: self.rnn(x)[0], rnn=lambda: nn.RNN(5, 6))
made("lstm", lambda self, x: self.rnn(x)[0][:, -1], rnn=lambda: nn.LSTM(5, 6, batch_first=True))
made("gru_with_state", lambda self, x, h: self.rnn(x, h), rnn=lambda: nn.GRU(5, 6, 2))
made("gru_optional_state", lambda self, x, hidden=None: self.rnn(x, hidden)[0],
     rnn=lambda: nn.GRU(5, 6))  # fmt: skip
made("cell", lambda self, x, hidden: self.cell(x, hidden), cell=lambda: nn.GRUCell(5, 6))
made(
    "tokens",
    lambda self, x: self.fc(self.embed(x).mean(1)),
    embed=lambda: nn.Embedding(50, 8),
    fc=lambda: nn.Linear(8, 2),
)
made(
    "tokens_flat",
    lambda self, x: self.fc(self.embed(x).flatten(1)),
    embed=lambda: nn.Embedding(50, 8),
    fc=lambda: nn.Linear(8 * 10, 2),
)
made("bag", lambda self, text: self.bag(text), bag=lambda: nn.EmbeddingBag(50, 8))
made(
    "bag_with_offsets",
    lambda self, text, offsets: self.bag(text.flatten(), offsets),
    bag=lambda: nn.EmbeddingBag(50, 8),
)
made(
    "packed",
    lambda self, x, lengths: self.rnn(
        nn.utils.rnn.pack_padded_sequence(self.embed(x), lengths, batch_first=True)
    )[1],
    embed=lambda: nn.Embedding(50, 8),
    rnn=lambda: nn.GRU(8, 6, batch_first=True),
)


@network
class TinyGPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Embedding(8, 16)
        self.token = nn.Embedding(100, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.head = nn.Linear(16, 100)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Any]:
        steps = torch.arange(idx.shape[1], device=idx.device)
        logits = self.head(self.layer(self.token(idx) + self.position(steps)))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


@network
class Seq2Seq(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(40, 16), nn.Embedding(60, 16)
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        mask = self.transformer.generate_square_subsequent_mask(tgt.shape[1])
        return self.transformer(self.source(src), self.target(tgt), tgt_mask=mask)


@network
class MaskedEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(40, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.layer(self.embed(input_ids), src_key_padding_mask=attention_mask == 0)


@network
class MaskedAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(12, 12) for _ in range(3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(-2, -1)
        return scores.masked_fill(mask == 0, float("-inf")).softmax(-1) @ self.value(x)


@network
class CrossAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 2, kdim=20, vdim=20, batch_first=True)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        return self.attention(query, context, context)[0]


@network
class Recommender(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.user_embedding, self.item_embedding = nn.Embedding(7, 4), nn.Embedding(900, 4)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return (self.user_embedding(user) * self.item_embedding(item)).sum(-1)


@network
class OneHot(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(11, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.one_hot(x, 11).float())


# Several inputs, and arguments of every kind


@network
class TwoBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image_net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.table_net = nn.Linear(9, 4)
        self.head = nn.Linear(8, 2)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        return self.head(torch.cat([self.image_net(image), self.table_net(features)], dim=1))


@network
class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(16, 8), nn.SiLU(), nn.Linear(8, 8))
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.out = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t[:, None].float() * torch.arange(8).float()[None]
        time = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        return self.out(self.conv(x) + time[:, :, None, None])


@network
class Graph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor, adj: Tensor) -> Tensor:
        return adj @ self.fc(x)


@network
class MessagePassing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        source, target = edge_index
        h = self.fc(x)
        return torch.zeros_like(h).index_add(0, target, h[source])


@network
class Actor(nn.Module):
    """The action is joined to the observation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(17 + 4, 3)

    def forward(self, observation: Tensor, action: Tensor) -> Tensor:
        return self.fc(torch.cat([observation, action], dim=-1))


made("any_arguments", lambda self, *args: self.fc(*args), fc=lambda: nn.Linear(4, 2))
made(
    "keys_of_other_sizes",
    lambda self, query, key, value: self.attend(query, key, value)[0],
    attend=lambda: nn.MultiheadAttention(12, 2, kdim=20, vdim=10, batch_first=True),
)
made(
    "image_from_a_row",
    lambda self, x: self.conv(self.image(x)),
    image=lambda: nn.Unflatten(1, (1, 28, 28)),
    conv=lambda: nn.Conv2d(1, 4, 3),
)
made(
    "a_map_from_a_row",
    lambda self, z: self.up(self.map(z)),
    map=lambda: nn.Unflatten(1, (32, 7, 7)),
    up=lambda: nn.ConvTranspose2d(32, 3, 4, 2, 1),
)
made(
    "a_map_of_one_pixel",
    lambda self, z: self.net(z),
    net=lambda: nn.Sequential(nn.Unflatten(1, (16, 1, 1)), nn.ConvTranspose2d(16, 3, 4)),
)
made("quantized", lambda self, x: self.fc(x), fc=lambda: quantized_dynamic.Linear(6, 3))
made("two_of_any", lambda self, *args: self.mix(*args), mix=lambda: nn.Bilinear(3, 5, 4))
made("keywords_only", lambda self, *, x: self.fc(x), fc=lambda: nn.Linear(4, 2))
made("two_keywords", lambda self, *, x, y: self.a(x) + self.b(y),
     a=lambda: nn.Linear(4, 2), b=lambda: nn.Linear(7, 2))  # fmt: skip
made("optional", lambda self, x=None: self.fc(x), fc=lambda: nn.Linear(4, 2))
made("optional_second", lambda self, x=None, y=None: self.a(x) + self.b(y),
     a=lambda: nn.Linear(4, 2), b=lambda: nn.Linear(7, 2))  # fmt: skip
made("no_input", lambda self: self.fc(torch.ones(1, 4)), fc=lambda: nn.Linear(4, 2))


@network
class Annotated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor, repeats: int, scale: float) -> Tensor:
        for _ in range(repeats):
            x = self.fc(x) * scale
        return x


@network
class DictOfInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 2), nn.Linear(7, 2)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.a(batch["left"]) + self.b(batch["right"])


@network
class ListOfInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, xs: list[Tensor]) -> Tensor:
        return torch.stack([self.fc(x) for x in xs]).sum(0)


AIM = 0.95


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_nearly_every_network_gets_an_input_by_itself(training: bool, look: Look) -> None:
    missed = [name for name in NETWORKS if not runs(NETWORKS[name](), look, training)]
    found = len(NETWORKS) - len(missed)
    print(f"{found} of {len(NETWORKS)} networks got an input; missed: {', '.join(missed) or '-'}")
    assert found >= AIM * len(NETWORKS)


def runs(model: nn.Module, look: Look, training: bool) -> bool:
    try:
        return look(model, training=training).inspection.failure is None
    except Exception:
        return False


def test_rows_that_are_taken_apart_tell_their_length() -> None:
    assert list(candidates(nn.Unflatten(1, (32, 7, 7)))) == [InputSpec((1, 1568))]
    assert [*candidates(nn.Unflatten(1, (-1, 7))), *candidates(nn.Unflatten(2, (2, 7)))] == []
