"""Networks as people write them, none of which says what it takes: its forward's source does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nninspect.engine.guessing.reading.reader import read
from nninspect.text.inputs import format_input

Look = Callable[..., Any]

KINDS: list[tuple[type[nn.Module], str]] = []
"""Each with the input that it is to be given."""


def takes(typed: str) -> Callable[[type[nn.Module]], type[nn.Module]]:
    def note(kind: type[nn.Module]) -> type[nn.Module]:
        KINDS.append((kind, typed))
        return kind

    return note


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.set_up()

    def set_up(self) -> None: ...


# Batches: dicts, tuples, lists, objects, *args and **kwargs


@takes("input_ids=int64[0:30]:1x16")
class FromKeywords(Net):
    def set_up(self) -> None:
        self.embed, self.head = nn.Embedding(30, 8), nn.Linear(8, 2)

    def forward(self, **batch: Any) -> Any:
        x = self.embed(batch["input_ids"])
        if (mask := batch.get("attention_mask")) is not None:
            x = x * mask.unsqueeze(-1)
        return self.head(x.mean(1))


@takes("1x4 1x6")
class FromPositions(Net):
    def set_up(self) -> None:
        self.a, self.b = nn.Linear(4, 4), nn.Linear(6, 4)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        x, y = args
        out = self.a(x) + self.b(y)
        return F.normalize(out) if kwargs.get("normalize", False) else out


@takes("features=1x12 meta=1x5")
class HandedOn(Net):
    class Inner(Net):
        def set_up(self) -> None:
            self.enc, self.proj = nn.Linear(12, 8), nn.Linear(5, 8)

        def forward(self, *, features: Any, meta: Any, scale: float = 1.0) -> Any:
            return (self.enc(features) + self.proj(meta)) * scale

    def set_up(self) -> None:
        self.module = self.Inner()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)


@takes("1x3x32x32 labels=1x10")
class ImageAndKeyword(Net):
    def set_up(self) -> None:
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(10, 4)

    def forward(self, input: Any, **kwargs: Any) -> Any:
        return self.conv(input).mean((2, 3)) + self.fc(kwargs["labels"].float())


@takes("batch.0=1x12 batch.1=int64[0:2]:1")
class TupleBatch(Net):
    def set_up(self) -> None:
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))

    def forward(self, batch: Any) -> Any:
        x, y = batch
        return F.cross_entropy(self.net(x), y)


@takes("images.0=3x32x32")
class Detector(Net):
    """As torchvision's: a list of images in, a list of dicts out."""

    def set_up(self) -> None:
        self.backbone = nn.Conv2d(3, 8, 3, 4)

    def forward(self, images: Any, targets: Any = None) -> Any:
        features = self.backbone(torch.stack(images))
        return [{"boxes": one.flatten(1).t()[:, :4]} for one in features]


@takes("data.x=16x5 data.edge_index=int64[0:16]:2x16")
class GraphOfData(Net):
    """As PyG's: an object that holds the graph."""

    def set_up(self) -> None:
        self.lin = nn.Linear(5, 4)

    def forward(self, data: Any) -> Any:
        x, (row, col) = self.lin(data.x), data.edge_index
        return torch.zeros_like(x).index_add(0, col, x[row])


@takes("x=16x5 edge_index=int64[0:16]:2x16 edge_attr=16x3 batch=int64[0:1]:16")
class GraphOfEdges(Net):
    def set_up(self) -> None:
        self.lin, self.edge = nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, x: Any, edge_index: Any, edge_attr: Any, batch: Any) -> Any:
        src, dst = edge_index
        h = self.lin(x)
        h = torch.zeros_like(h).index_add_(0, dst, h[src] * self.edge(edge_attr))
        return torch.zeros(int(batch.max()) + 1, 4).index_add_(0, batch, h)


@takes("x=16x7 adj=float32[0:1]:16x16")
class GraphOfWeights(Net):
    def set_up(self) -> None:
        self.weight = nn.Parameter(torch.randn(7, 4))

    def forward(self, x: Any, adj: Any) -> Any:
        return torch.spmm(adj, torch.mm(x, self.weight))


@takes("inputs[0]=1x6")
class CheckedList(Net):
    def set_up(self) -> None:
        self.enc, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, inputs: Any) -> Any:
        if not isinstance(inputs, list):
            raise TypeError("a list is wanted")
        return self.head(torch.stack([self.enc(x) for x in inputs]).mean(0))


@takes("xs[0]=1x5 xs[1]=1x7")
class AssertedList(Net):
    def set_up(self) -> None:
        self.a, self.b = nn.Linear(5, 3), nn.Linear(7, 3)

    def forward(self, xs: Any) -> Any:
        assert isinstance(xs, list)
        return self.a(xs[0]) + self.b(xs[1])


@takes("features[0]=1x8x32x32 features[1]=1x16x32x32")
class AnnotatedList(Net):
    """As long as the parts that go through it."""

    def set_up(self) -> None:
        self.parts = nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(16, 4, 1)])

    def forward(self, features: list[torch.Tensor]) -> Any:
        return sum(part(features[place]) for place, part in enumerate(self.parts))


@takes("audio=1x20 text=int64[0:50]:1x16")
class NamedByItsParts(Net):
    def set_up(self) -> None:
        self.parts = nn.ModuleDict({"audio": nn.Linear(20, 8), "text": nn.Embedding(50, 8)})

    def forward(self, **inputs: Any) -> Any:
        return sum(part(inputs[name]).mean(-2) for name, part in self.parts.items())


@takes("x.rgb=1x3x32x32 x.depth=1x1x32x32")
class NamedByAList(Net):
    def set_up(self) -> None:
        self.names = ["rgb", "depth"]
        self.parts = nn.ModuleDict({"rgb": nn.Conv2d(3, 4, 3), "depth": nn.Conv2d(1, 4, 3)})

    def forward(self, x: Any) -> Any:
        total = 0
        for name in self.names:
            total = total + self.parts[name](x[name])
        return total


@takes("states=1x4 action=1x3")
class Popped(Net):
    """What is popped without a default, or asked for, is needed or not."""

    def set_up(self) -> None:
        self.a, self.b = nn.Linear(4, 4), nn.Linear(3, 4)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        out = self.a(kwargs.pop("states")) + self.b(kwargs["action"])
        return out * kwargs["scale"] if "scale" in kwargs else out


# States, time first, text


@takes("x=1x16x9 hidden.0=2x1x8 hidden.1=2x1x8")
class CharRNN(Net):
    def set_up(self) -> None:
        self.lstm = nn.LSTM(9, 8, 2, batch_first=True)

    def forward(self, x: Any, hidden: Any) -> Any:
        return self.lstm(x, hidden)


@takes("inputs.0=1x1x32x32 inputs.1.0=1x6 inputs.1.1=1x6")
class RecurrentPolicy(Net):
    def set_up(self) -> None:
        self.conv, self.cell = nn.Conv2d(1, 4, 3), nn.LSTMCell(4, 6)

    def forward(self, inputs: Any) -> Any:
        inputs, (hx, cx) = inputs
        return self.cell(self.conv(inputs).mean((2, 3)), (hx, cx))


@takes("src=int64[0:50]:16x1 src_mask=bool[0:1]:16x16")
class TimeFirst(Net):
    def set_up(self) -> None:
        self.embed = nn.Embedding(50, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, src: Any, src_mask: Any) -> Any:
        return self.encoder(self.embed(src) * 2.0, src_mask)


@takes("text=int64[0:50]:16x1 text_lengths=int64[16:17]:1")
class Packed(Net):
    def set_up(self) -> None:
        self.embed, self.rnn = nn.Embedding(50, 8), nn.LSTM(8, 6)

    def forward(self, text: Any, text_lengths: Any) -> Any:
        x = nn.utils.rnn.pack_padded_sequence(self.embed(text), text_lengths.to("cpu"))
        return self.rnn(x)[1][0]


@takes("v=1x16x12 q=int64[0:30]:1x16")
class Questions(Net):
    """Names that say nothing."""

    def set_up(self) -> None:
        self.words, self.rnn = nn.Embedding(30, 6), nn.GRU(6, 4, batch_first=True)
        self.att, self.net = nn.Linear(16, 1), nn.Linear(12, 3)

    def forward(self, v: Any, q: Any) -> Any:
        h = self.rnn(self.words(q))[1][-1]
        h = h.unsqueeze(1).expand(-1, v.size(1), -1)
        return self.net((self.att(torch.cat([v, h], 2)).softmax(1) * v).sum(1))


@takes("u=int64[0:90]:1 v=int64[0:90]:1x16 n=int64[0:90]:1x16")
class SkipGram(Net):
    def set_up(self) -> None:
        self.table = nn.Embedding(90, 4)

    def forward(self, u: Any, v: Any, n: Any) -> Any:
        u, v, n = self.table(u), self.table(v), self.table(n)
        return (u * v).sum(1) + torch.bmm(n, u.unsqueeze(2)).sum(1)


# Several kinds of input


@takes("noise=1x20 labels=int64[0:10]:1")
class Generator(Net):
    def set_up(self) -> None:
        self.label_emb, self.model = nn.Embedding(10, 10), nn.Linear(30, 16)

    def forward(self, noise: Any, labels: Any) -> Any:
        return self.model(torch.cat((self.label_emb(labels), noise), -1)).view(-1, 1, 4, 4)


@takes("1x20")
class FromARow(Net):
    """The noise of a DCGAN, spread to an image of one pixel."""

    def set_up(self) -> None:
        self.main = nn.ConvTranspose2d(20, 3, 4)

    def forward(self, z: Any) -> Any:
        return self.main(z.view(z.size(0), 20, 1, 1))


@takes("1x3x32x32")
class Adversaries(Net):
    """The first part is not what is fed."""

    def set_up(self) -> None:
        self.G, self.D = FromARow(), nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    def forward(self, real: Any, weight: float = 1.0) -> Any:
        fake = self.G(torch.randn(real.size(0), 20))
        return self.D(F.interpolate(real, 8)) - weight * self.D(F.interpolate(fake, 8))


@takes("x=1x4x32x32 t=int64[0:16]:1 y=int64[0:11]:1")
class DiffusionTransformer(Net):
    def set_up(self) -> None:
        self.patches, self.classes = nn.Conv2d(4, 6, 4, 4), nn.Embedding(11, 6)

    def forward(self, x: Any, t: Any, y: Any) -> Any:
        c = self.classes(y) + t[:, None].float().sin()
        return self.patches(x).flatten(2).transpose(1, 2) * c.unsqueeze(1)


@takes("1x3x64x64")
class PatchesByHand(Net):
    def set_up(self) -> None:
        self.embed, self.place = nn.Linear(192, 6), nn.Parameter(torch.zeros(1, 65, 6))

    def forward(self, img: Any) -> Any:
        b, c, h, w = img.shape
        x = img.reshape(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1)
        x = self.embed(x.reshape(b, -1, 192))
        return torch.cat([x[:, :1], x], 1) + self.place


@takes("x_categ=int64[0:36]:1x5 x_cont=1x7")
class Columns(Net):
    def set_up(self) -> None:
        self.embed, self.norm, self.head = nn.Embedding(36, 4), nn.LayerNorm(7), nn.Linear(27, 1)

    def forward(self, x_categ: Any, x_cont: Any) -> Any:
        assert x_categ.shape[-1] == 5, "you must pass in 5 values for your categories"
        return self.head(torch.cat((self.embed(x_categ).flatten(1), self.norm(x_cont)), -1))


@takes("states=1x16x5 actions=1x16x3 timesteps=int64[0:40]:1x16")
class Trajectories(Net):
    def set_up(self) -> None:
        self.time, self.state, self.action = nn.Embedding(40, 4), nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, states: Any, actions: Any, timesteps: Any) -> Any:
        b, t = states.shape[0], states.shape[1]
        time = self.time(timesteps)
        x = torch.stack((self.state(states) + time, self.action(actions) + time), dim=1)
        return x.permute(0, 2, 1, 3).reshape(b, 2 * t, 4)


@takes("1x66")
class JoinedRays(Net):
    def set_up(self) -> None:
        self.points, self.views = nn.Linear(39, 4), nn.Linear(27, 4)

    def forward(self, x: Any) -> Any:
        points, views = torch.split(x, [39, 27], dim=-1)
        return self.points(points) + self.views(views)


@takes("complex64:1x10")
class Complex(Net):
    def set_up(self) -> None:
        self.weight = nn.Parameter(torch.randn(4, 10, dtype=torch.cfloat))

    def forward(self, x: Any) -> Any:
        return (x @ self.weight.T).abs()


@takes("1x3x24")
class Neighbours(Net):
    """Points by their twenty nearest; 16 points are too few."""

    def set_up(self) -> None:
        self.conv = nn.Conv2d(6, 4, 1)

    def forward(self, x: Any) -> Any:
        b, _d, _n = x.size()
        near = torch.cdist(x.transpose(1, 2), x.transpose(1, 2)).topk(20, largest=False)[1]
        points = x.transpose(1, 2)
        near = points[torch.arange(b).view(-1, 1, 1), near]
        far = points.unsqueeze(2).expand_as(near)
        return self.conv(torch.cat((near - far, far), dim=3).permute(0, 3, 1, 2))


@takes("1x5")
class PlainList(Net):
    """Layers that are not registered can be read all the same."""

    def set_up(self) -> None:
        self.layers = [nn.Linear(5, 5), nn.Linear(5, 2)]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


@takes("1x4")
class FromNumPy(Net):
    """A branch for another kind of argument is not what a tensor goes through."""

    def set_up(self) -> None:
        self.fc = nn.Linear(4, 2)

    def forward(self, state: Any, steps: int = 0) -> Any:
        if isinstance(state, np.ndarray):
            state = torch.from_numpy(state)[steps]
        return self.fc(state)


@pytest.mark.parametrize(("kind", "typed"), KINDS, ids=[kind.__name__ for kind, _ in KINDS])
def test_the_source_tells_what_is_taken(kind: type[nn.Module], typed: str, look: Look) -> None:
    inspection = look(kind()).inspection
    assert inspection.failure is None
    assert " ".join(map(format_input, inspection.inputs)) == typed


def test_a_forward_that_can_not_be_read_tells_nothing() -> None:
    class Deep(nn.Module):
        forward = eval("lambda self, x: x" + " + 1" * 900)

    assert read(Deep()) == {}
    assert read(torch.jit.script(nn.Linear(2, 2))) == {}
    built = nn.Linear(2, 2)
    built.forward = lambda x: x  # type: ignore[method-assign]
    assert read(built) == {}


def test_reading_a_forward_runs_none_of_it() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)

        @property
        def other(self) -> nn.Module:
            raise AssertionError("it was run")

        def forward(self, x: Any) -> Any:
            return self.other(self.fc(x))

    assert [use.argument for use in read(Net())["x"].uses] == ["input"]


# One step at a time


class StepsOfSequences(Net):
    def set_up(self) -> None:
        self.cell = nn.GRUCell(5, 8)

    def forward(self, x: Any) -> Any:
        h = x.new_zeros(x.size(0), 8)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
        return h


class StepsOfVideos(Net):
    def set_up(self) -> None:
        self.cnn = nn.Conv2d(3, 4, 3, 2)

    def forward(self, video: Any) -> Any:
        return torch.stack([self.cnn(video[:, t]) for t in range(video.shape[1])], 1)


class StepsOfSpikes(Net):
    """Time comes first."""

    def set_up(self) -> None:
        self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(4 * 30 * 30, 3)

    def forward(self, spikes: Any) -> Any:
        steps = spikes.size(0)
        return sum(self.fc(self.conv(spikes[t]).flatten(1)) for t in range(steps)) / steps


@pytest.mark.parametrize(
    ("kind", "typed", "batch_dim"),
    [
        (StepsOfSequences, "1x16x5", 0),
        (StepsOfVideos, "1x16x3x32x32", 0),
        (StepsOfSpikes, "16x1x2x32x32", 1),
    ],
)
def test_what_is_taken_step_by_step_has_steps(
    kind: type[nn.Module], typed: str, batch_dim: int, look: Look
) -> None:
    inspection = look(kind()).inspection
    assert inspection.failure is None
    (spec,) = inspection.inputs
    assert (format_input(spec), spec.batch_dim) == (typed, batch_dim)


# Found by trying


class OneNumberASample(Net):
    """A condition, and whether it is left out: a number each for a sample."""

    def set_up(self) -> None:
        self.inp, self.label = nn.Conv2d(1, 8, 3), nn.Embedding(11, 8)

    def forward(self, x: Any, timesteps: Any, context: Any, context_mask: Any) -> Any:
        given = self.label(context) * (1 - context_mask.float()[:, None])
        return self.inp(x) + (given + timesteps[:, None])[:, :, None, None]


class MaskOfSteps(Net):
    def set_up(self) -> None:
        self.phi = nn.Linear(5, 16)

    def forward(self, x: Any, mask: Any) -> Any:
        return (self.phi(x) * mask.unsqueeze(-1)).sum(1)


class ColumnOfLengths(Net):
    def set_up(self) -> None:
        self.embed = nn.Embedding(30, 4)

    def forward(self, captions: Any, caption_lengths: Any) -> Any:
        order = caption_lengths.squeeze(1).sort(descending=True)[1]
        return self.embed(captions[order])


class Clip(Net):
    def set_up(self) -> None:
        self.conv, self.fc = nn.Conv3d(3, 2, 3, padding=1), nn.Linear(2 * 8 * 28 * 28, 5)

    def forward(self, clip: Any) -> Any:
        return self.fc(F.max_pool3d(self.conv(clip), (2, 4, 4)).flatten(1))


class PackedSpectrogram(Net):
    """torch takes any size that comes packed, and reads past the weights."""

    def set_up(self) -> None:
        self.conv, self.rnn = nn.Conv2d(1, 4, 1), nn.LSTM(4 * 40, 8, batch_first=True)

    def forward(self, mels: Any, lengths: Any) -> Any:
        x = self.conv(mels.unsqueeze(1)).flatten(1, 2).transpose(1, 2)
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return self.rnn(packed)[1]


class Boxes(Net):
    def set_up(self) -> None:
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, features: Any, boxes: Any) -> Any:
        x = self.conv(features)
        return [x[:, :, int(y) :, int(left) :] for left, y, _, _ in boxes]


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (OneNumberASample, {"context": "int64[0:11]:1", "context_mask": "bool[1:2]:1"}),
        (MaskOfSteps, {"x": "1x16x5", "mask": "bool[1:2]:1x16"}),
        (ColumnOfLengths, {"captions": "int64[0:30]:1x16", "caption_lengths": "int64[16:17]:1x1"}),
        (Clip, {"": "1x3x16x112x112"}),
        (PackedSpectrogram, {"mels": "1x40x40"}),
        (Boxes, {"boxes": "float32[0:16]:1x4"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_source_leaves_open_is_found(
    kind: type[nn.Module], typed: dict[str, str], look: Look
) -> None:
    inspection = look(kind()).inspection
    assert inspection.failure is None
    found = {spec.name: format_input(spec).rpartition("=")[2] for spec in inspection.inputs}
    assert {name: found[name] for name in typed} == typed
