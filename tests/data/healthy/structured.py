"""Networks for sets, graphs, tables and memories: healthy, as users write them."""

import torch
from torch import nn
from torch.nn import functional as F


class DeepSets(nn.Module):
    """Equal for every order of the elements."""

    def __init__(self, features=5, hidden=64, outputs=3):
        super().__init__()
        self.phi = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.rho = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    def forward(self, x):
        return self.rho(self.phi(x).mean(dim=1))


class GraphLayer(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.own = nn.Linear(cin, cout)
        self.neighbours = nn.Linear(cin, cout, bias=False)

    def forward(self, x, edge_index):
        source, target = edge_index
        messages = self.neighbours(x)[source]
        total = torch.zeros(x.size(0), messages.size(1), device=x.device, dtype=x.dtype)
        total = total.index_add(0, target, messages)
        degree = torch.bincount(target, minlength=x.size(0)).clamp(min=1).unsqueeze(1)
        return self.own(x) + total / degree


class GraphNet(nn.Module):
    """Message passing over edges; a class for each node."""

    def __init__(self, features=8, hidden=32, classes=3):
        super().__init__()
        self.conv1 = GraphLayer(features, hidden)
        self.conv2 = GraphLayer(hidden, classes)

    def forward(self, x, edge_index):
        x = F.relu(self.conv1(x, edge_index))
        x = F.dropout(x, p=0.5, training=self.training)
        return self.conv2(x, edge_index)


class MixtureOfExperts(nn.Module):
    """A softmax gate over dense experts."""

    def __init__(self, features=16, hidden=32, outputs=4, experts=4):
        super().__init__()
        self.gate = nn.Linear(features, experts)
        self.experts = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
                for _ in range(experts)
            ]
        )

    def forward(self, x):
        weights = F.softmax(self.gate(x), dim=-1)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        return (weights.unsqueeze(-1) * outputs).sum(dim=1)


class Highway(nn.Module):
    """Transform gates that begin mostly closed."""

    def __init__(self, size=32, layers=4, outputs=1):
        super().__init__()
        self.inp = nn.Linear(10, size)
        self.transform = nn.ModuleList([nn.Linear(size, size) for _ in range(layers)])
        self.gate = nn.ModuleList([nn.Linear(size, size) for _ in range(layers)])
        for gate in self.gate:
            nn.init.constant_(gate.bias, -2.0)
        self.out = nn.Linear(size, outputs)

    def forward(self, x):
        x = torch.relu(self.inp(x))
        for transform, gate in zip(self.transform, self.gate, strict=True):
            t = torch.sigmoid(gate(x))
            x = t * torch.relu(transform(x)) + (1 - t) * x
        return self.out(x)


class MemoryNetwork(nn.Module):
    """A question over stored sentences, several hops."""

    def __init__(self, vocab=60, dim=32, hops=2):
        super().__init__()
        self.hops = hops
        self.embed_in = nn.Embedding(vocab, dim)
        self.embed_out = nn.Embedding(vocab, dim)
        self.embed_question = nn.Embedding(vocab, dim)
        self.step = nn.Linear(dim, dim)
        self.answer = nn.Linear(dim, vocab)

    def forward(self, story, question):
        u = self.embed_question(question).sum(1)
        m = self.embed_in(story).sum(2)
        c = self.embed_out(story).sum(2)
        for _ in range(self.hops):
            p = torch.softmax(torch.einsum("bd,bmd->bm", u, m), dim=-1)
            u = self.step(u) + torch.einsum("bm,bmd->bd", p, c)
        return self.answer(u)


class HyperNetwork(nn.Module):
    """A small network that writes the weights of another."""

    def __init__(self, features=6, hidden=16, context=4):
        super().__init__()
        self.features, self.hidden = features, hidden
        self.writer = nn.Sequential(
            nn.Linear(context, 32), nn.ReLU(), nn.Linear(32, features * hidden + hidden)
        )
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, context):
        made = self.writer(context)
        weight = made[:, : self.features * self.hidden].view(-1, self.hidden, self.features)
        bias = made[:, self.features * self.hidden :]
        h = torch.bmm(weight, x.unsqueeze(-1)).squeeze(-1) + bias
        return self.out(F.relu(h))


class TabularNet(nn.Module):
    """Categories and numbers of a table."""

    def __init__(self, cardinalities=(10, 5, 7), numbers=6):
        super().__init__()
        self.embeds = nn.ModuleList([nn.Embedding(c, min(50, (c + 1) // 2)) for c in cardinalities])
        n_emb = sum(e.embedding_dim for e in self.embeds)
        self.bn_cont = nn.BatchNorm1d(numbers)
        self.layers = nn.Sequential(
            nn.Linear(n_emb + numbers, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(32, 1),
        )  # fmt: skip

    def forward(self, categories, numbers):
        x = torch.cat([e(categories[:, i]) for i, e in enumerate(self.embeds)], dim=1)
        return self.layers(torch.cat([x, self.bn_cont(numbers)], dim=1))


class PointNet(nn.Module):
    """Points of a cloud with a learned alignment that begins as the identity."""

    def __init__(self, classes=8):
        super().__init__()
        self.t_conv = nn.Sequential(nn.Conv1d(3, 32, 1), nn.BatchNorm1d(32), nn.ReLU())
        self.t_fc = nn.Linear(32, 9)
        nn.init.zeros_(self.t_fc.weight)
        nn.init.zeros_(self.t_fc.bias)
        self.conv1 = nn.Conv1d(3, 64, 1, bias=False)
        self.bn1 = nn.BatchNorm1d(64)
        self.conv2 = nn.Conv1d(64, 128, 1, bias=False)
        self.bn2 = nn.BatchNorm1d(128)
        self.head = nn.Sequential(
            nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, classes)
        )

    def forward(self, points):
        t = self.t_fc(self.t_conv(points).amax(dim=2)).view(-1, 3, 3)
        t = t + torch.eye(3, device=points.device)
        x = torch.bmm(t, points)
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.head(torch.max(x, 2)[0])
