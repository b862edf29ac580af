"""Networks that compare things: healthy, as users write them."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Siamese(nn.Module):
    """One tower for both images; returns a logit that they are the same."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * 5 * 5, 64), nn.ReLU(),
        )  # fmt: skip
        self.out = nn.Linear(64, 1)

    def forward(self, a, b):
        return self.out(torch.abs(self.tower(a) - self.tower(b)))


class ImageTextContrast(nn.Module):
    """CLIP in small: two encoders, a learned temperature, a similarity matrix."""

    def __init__(self, dim=32):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(16, dim),
        )  # fmt: skip
        self.token = nn.Embedding(100, 32)
        self.text = nn.Linear(32, dim)
        self.logit_scale = nn.Parameter(torch.ones([]) * np.log(1 / 0.07))

    def forward(self, image, text):
        i = F.normalize(self.image(image), dim=-1)
        t = F.normalize(self.text(self.token(text).mean(1)), dim=-1)
        return self.logit_scale.exp() * i @ t.t()


class SimSiam(nn.Module):
    """Self-supervised; the stop-gradient is the method."""

    def __init__(self, dim=64, pred=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(128, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU(inplace=True),
            nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim, affine=False),
        )  # fmt: skip
        self.predictor = nn.Sequential(
            nn.Linear(dim, pred, bias=False), nn.BatchNorm1d(pred), nn.ReLU(inplace=True),
            nn.Linear(pred, dim),
        )  # fmt: skip

    def forward(self, x1, x2):
        z1, z2 = self.encoder(x1), self.encoder(x2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        return p1, p2, z1.detach(), z2.detach()


class MatrixFactorization(nn.Module):
    """Users and items; the rating is a product plus biases."""

    def __init__(self, users=100, items=80, factors=16):
        super().__init__()
        self.user = nn.Embedding(users, factors)
        self.item = nn.Embedding(items, factors)
        self.user_bias = nn.Embedding(users, 1)
        self.item_bias = nn.Embedding(items, 1)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.item_bias.weight)
        self.mean = nn.Parameter(torch.tensor(3.5))

    def forward(self, user, item):
        product = (self.user(user) * self.item(item)).sum(1, keepdim=True)
        return self.mean + product + self.user_bias(user) + self.item_bias(item)


class ArcFace(nn.Module):
    """Embeddings against normalised class centres: cosine logits, scaled."""

    def __init__(self, dim=32, classes=12, scale=16.0):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.PReLU())
        self.embed = nn.Linear(64, dim)
        self.weight = nn.Parameter(torch.empty(classes, dim))
        nn.init.xavier_uniform_(self.weight)
        self.scale = scale

    def forward(self, x):
        e = F.normalize(self.embed(self.body(x)))
        return self.scale * F.linear(e, F.normalize(self.weight))


class EMATeacher(nn.Module):
    """A student and its moving average, which takes no gradient."""

    def __init__(self):
        super().__init__()
        self.student = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 16))
        self.teacher = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 16))
        self.teacher.load_state_dict(self.student.state_dict())
        self.teacher.requires_grad_(False)

    def forward(self, x):
        with torch.no_grad():
            target = self.teacher(x)
        return self.student(x), target
