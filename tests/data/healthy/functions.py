"""Networks that fit functions, values and policies: healthy, as users write them."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class SineLayer(nn.Module):
    def __init__(self, cin, cout, is_first=False, omega_0=30.0):
        super().__init__()
        self.omega_0 = omega_0
        self.linear = nn.Linear(cin, cout)
        with torch.no_grad():
            bound = 1 / cin if is_first else math.sqrt(6 / cin) / omega_0
            self.linear.weight.uniform_(-bound, bound)

    def forward(self, x):
        return torch.sin(self.omega_0 * self.linear(x))


class SIREN(nn.Module):
    """Sines as activations: coordinates to a colour."""

    def __init__(self, hidden=64, layers=3):
        super().__init__()
        self.net = nn.Sequential(
            SineLayer(2, hidden, is_first=True), *[SineLayer(hidden, hidden) for _ in range(layers)]
        )
        self.final = nn.Linear(hidden, 3)

    def forward(self, coords):
        return self.final(self.net(coords))


class KANLayer(nn.Module):
    """Each edge is a sum of radial functions, plus a plain branch."""

    def __init__(self, cin, cout, grid=8):
        super().__init__()
        self.register_buffer("centres", torch.linspace(-2, 2, grid))
        self.norm = nn.LayerNorm(cin)
        self.spline = nn.Parameter(torch.randn(cout, cin, grid) * 0.1)
        self.base = nn.Linear(cin, cout)

    def forward(self, x):
        basis = torch.exp(-((self.norm(x).unsqueeze(-1) - self.centres) ** 2))
        return torch.einsum("big,oig->bo", basis, self.spline) + self.base(F.silu(x))


class KAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([KANLayer(4, 16), KANLayer(16, 16), KANLayer(16, 1)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class PolicyValue(nn.Module):
    """Two heads on one body: action logits and a value; the scores of PPO."""

    def __init__(self, observations=8, actions=4):
        super().__init__()
        self.shared = nn.Sequential(
            nn.Linear(observations, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()
        )
        self.policy = nn.Linear(64, actions)
        self.value = nn.Linear(64, 1)
        nn.init.orthogonal_(self.policy.weight, gain=0.01)
        nn.init.zeros_(self.policy.bias)

    def forward(self, obs):
        h = self.shared(obs)
        return self.policy(h), self.value(h).squeeze(-1)


class GaussianActor(nn.Module):
    """SAC's actor: mean and a bounded log standard deviation."""

    def __init__(self, observations=8, actions=2):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(observations, 64), nn.ReLU(), nn.Linear(64, 64))
        self.mean = nn.Linear(64, actions)
        self.log_std = nn.Linear(64, actions)

    def forward(self, obs):
        h = F.relu(self.body(obs))
        return self.mean(h), torch.clamp(self.log_std(h), -20, 2)


class DuelingDQN(nn.Module):
    """Value and advantage; the mean of the advantages is taken off."""

    def __init__(self, actions=5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(4, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten()
        )
        self.advantage = nn.Sequential(nn.Linear(32 * 9 * 9, 64), nn.ReLU(), nn.Linear(64, actions))
        self.value = nn.Sequential(nn.Linear(32 * 9 * 9, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, frames):
        x = self.features(frames / 255.0)
        a = self.advantage(x)
        return self.value(x) + a - a.mean(1, keepdim=True)


class QuantileRegressor(nn.Module):
    """Quantiles in order, by adding positive steps."""

    def __init__(self, features=10, quantiles=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.Dropout(0.1))
        self.lowest = nn.Linear(64, 1)
        self.steps = nn.Linear(64, quantiles - 1)

    def forward(self, x):
        h = self.body(x)
        low = self.lowest(h)
        return torch.cat([low, low + F.softplus(self.steps(h)).cumsum(-1)], dim=-1)


class Heteroscedastic(nn.Module):
    """A mean and a variance for gaussian_nll_loss."""

    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(6, 50)
        self.hidden2 = nn.Linear(50, 50)
        self.mu = nn.Linear(50, 1)
        self.sigma = nn.Linear(50, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden1(x))
        x = F.relu(self.hidden2(x))
        return self.mu(x), F.softplus(self.sigma(x)) + 1e-6


class NeuralODE(nn.Module):
    """The same small field, stepped by Euler's method."""

    def __init__(self, dim=4, steps=8):
        super().__init__()
        self.steps = steps
        self.field = nn.Sequential(nn.Linear(dim + 1, 32), nn.Tanh(), nn.Linear(32, dim))
        self.out = nn.Linear(dim, 2)

    def forward(self, x):
        dt = 1.0 / self.steps
        for i in range(self.steps):
            t = torch.full_like(x[:, :1], i * dt)
            x = x + dt * self.field(torch.cat([x, t], dim=1))
        return self.out(x)


class LogisticRegression(nn.Module):
    """One layer is all there is."""

    def __init__(self, features=20):
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, x):
        return self.linear(x)


class NeRF(nn.Module):
    """Positions and directions, encoded by sines; colour and density."""

    def __init__(self, freqs=4, hidden=64):
        super().__init__()
        self.register_buffer("bands", 2.0 ** torch.arange(freqs))
        d = 3 + 3 * 2 * freqs
        self.layers = nn.ModuleList(
            [nn.Linear(d, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden + d, hidden)]
        )
        self.density = nn.Linear(hidden, 1)
        self.feature = nn.Linear(hidden, hidden)
        self.colour = nn.Sequential(nn.Linear(hidden + d, 32), nn.ReLU(), nn.Linear(32, 3))

    def encode(self, x):
        angles = (x.unsqueeze(-1) * self.bands).flatten(1)
        return torch.cat([x, angles.sin(), angles.cos()], dim=-1)

    def forward(self, position, direction):
        p = self.encode(position)
        h = p
        for i, layer in enumerate(self.layers):
            h = F.relu(layer(torch.cat([h, p], -1) if i == 2 else h))
        sigma = F.softplus(self.density(h))
        rgb = torch.sigmoid(self.colour(torch.cat([self.feature(h), self.encode(direction)], -1)))
        return torch.cat([rgb, sigma], dim=-1)
